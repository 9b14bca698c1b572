"""A written model that is not the trained one never counts: empty, changed, untied or missing weights, another next token."""

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
from selfimprove.errors import TrainError
from selfimprove.train.export import _check, _surest_token
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.model import load_plain
source, work = Path(sys.argv[1]), Path(sys.argv[2])
row = {"id": "a", "input_ids": [5, 6, 7, 8, 9, 10], "spans": [2, 6], "supervised": 4, "first_supervised": 2, "length": 6}
probe = {k: v for k, v in collate([row], "cpu").items()}
model = load_plain(source, torch.float32)

class Engine:
    module = Supervised(model)
    def eval(self): self.module.eval()

place, token = _surest_token(Engine(), probe)
first = "model.layers.0.mlp.up_proj.weight"

def changed(name, change, config=None):
    part = work / name
    shutil.copytree(source, part)
    weights = load_file(part / "model.safetensors")
    change(weights)
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})
    if config:
        known = json.loads((part / "config.json").read_text())
        (part / "config.json").write_text(json.dumps({**known, **config}))
    return part

def untie(weights):
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()

cases = {
    "sound": lambda: (changed("sound", lambda w: None), token),
    "empty": lambda: (changed("empty", lambda w: w.update({first: torch.zeros(0)})), token),
    "changed": lambda: (changed("changed", lambda w: w[first][0].add_(1e-3)), token),
    "missing": lambda: (changed("missing", lambda w: w.pop(first)), token),
    "untied": lambda: (changed("untied", untie, {"tie_word_embeddings": False}), token),
    "token": lambda: (source, (token + 1) % 100),
}
found = {}
for name, case in cases.items():
    part, expected = case()
    try:
        _check(part, model, probe, place, expected)
        found[name] = ""
    except TrainError as error:
        found[name] = str(error)
print(json.dumps(found))
"""


def test_every_planted_fault_of_an_export_is_caught(tiny_model: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", PLANTED, str(tiny_model), str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("sound") == ""
    assert [name for name, said in found.items() if not said] == []
    assert "is not tied" in found["untied"] or "tied to its embeddings" in found["untied"]
    assert "is not the trained one" in found["changed"] and "goes on with token" in found["token"]
