"""A directory whose weights are not the model's is refused when it is loaded; what would be lost in silence is said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLANTED = """
import json, shutil, sys, torch
from pathlib import Path
from safetensors.torch import load_file, save_file
from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.train.model import load_model
source, work = Path(sys.argv[1]), Path(sys.argv[2])

def changed(name, change=None, **config):
    part = work / name
    shutil.copytree(source, part)
    weights = load_file(part / "model.safetensors")
    if change:
        change(weights)
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})
    (part / "config.json").write_text(json.dumps({**json.loads((part / "config.json").read_text()), **config}))
    return part

code = {"model_type": "mine", "auto_map": {"AutoConfig": "evil.Code", "AutoModelForCausalLM": "evil.Code"}}
cases = {
    "missing": changed("missing", lambda w: w.pop("model.layers.1.mlp.up_proj.weight")),
    "shape": changed("shape", hidden_size=128),
    "layers": changed("layers", num_hidden_layers=3),
    "code": changed("code", **code),
    "extra": changed("extra", lambda w: w.update({"vision.weight": torch.zeros(3)})),
}
(work / "code" / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")
found = {}
for name, path in cases.items():
    told = []
    try:
        load_model(path, Train(), told.append)
        found[name] = told
    except TrainError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


def test_weights_that_are_not_the_models_are_refused_and_code_is_not_run(tiny_model: Path, tmp_path: Path) -> None:
    """transformers draws missing weights at random and drops surplus ones, and says so in a log."""
    words = [sys.executable, "-c", PLANTED, str(tiny_model), str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "lacks 1 of the model's weights (model.layers.1.mlp.up_proj.weight" in found["missing"]
    assert "the shapes of its weights are not those" in found["shape"]
    assert "lacks 9 of the model's weights" in found["layers"]
    assert "custom code" in found["code"] and not (tmp_path / "code" / "ran").exists()
    assert len(found["extra"]) == 1 and "1 weights that a language model does not have (vision.weight" in found["extra"][0]
