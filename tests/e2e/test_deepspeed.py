"""Real DeepSpeed, by its real launcher, on a tiny random Llama: exact losses, sound exports, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.events import Event, Note, Progress, listening
from selfimprove.train import train

Trained = tuple[Path, dict[str, float], list[Event]]
ROOT = Path(__file__).resolve().parents[2]
FULL = Train(batch=8, micro_batch=8, epochs=2.0, warmup=0.0)
ARGUMENTS: dict[str, Any] = {"max_tokens": 120, "learning_rate": 3e-3, "seed": 3, "metadata": {"round": 0}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in a process of its own: this one stays light."""
    out = tmp_path_factory.mktemp("tiny") / "model"
    subprocess.run([sys.executable, "-m", "tests.tiny_model", str(out)], cwd=ROOT, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """19 rows to train, of unlike lengths and two subtasks, and one that is too long."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    made = [
        row(f"r{i}", f"set a timer {'seven ' * (i % 5)}", f'[{{"minutes": {i % 4}}}]', "use" if i % 3 else "make")
        for i in range(19)
    ]
    path.write_text("\n".join(map(json.dumps, [*made, row("long", "very " * 200, "[]", "use")])) + "\n")
    return path


def row(name: str, query: str, target: str, subtask: str) -> dict[str, Any]:
    return {"id": name, "subtask": subtask, "messages": [{"role": "user", "content": query}], "target": target}


@pytest.fixture(scope="module")
def one(model: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The reference: one process, the whole batch in one forward pass."""
    out, told = tmp_path_factory.mktemp("one"), list[Event]()
    with listening(told.append):
        counts = train(model, rows, out, FULL, **ARGUMENTS)
    return out, counts, told


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "train.jsonl").read_text().splitlines()]


def test_one_process_learns_and_tells(one: Trained) -> None:
    out, counts, told = one
    assert counts["rows"] == 19 and counts["left_out"] == 1 and counts["steps"] == 6
    assert counts["loss_last"] < 0.9 * counts["loss_first"]
    steps = [event for event in told if isinstance(event, Progress)]
    assert (steps[-1].done, steps[-1].total) == (6, 6) and "tok/s" in steps[-1].detail
    assert any(isinstance(event, Note) and "long" in event.text for event in told)
    first = json.loads((out / "train.jsonl").read_text().splitlines()[0])
    assert set(first["loss_by_subtask"]) == {"make", "use"} and first["grad_norm"] > 0


def test_an_export_is_a_whole_model(one: Trained, model: Path) -> None:
    script = (
        "import sys, torch; from transformers import AutoModelForCausalLM as M;"
        "a, b = (M.from_pretrained(p) for p in sys.argv[1:]);"
        "assert a.lm_head.weight is a.model.embed_tokens.weight;"
        "assert not torch.equal(a.lm_head.weight, b.lm_head.weight);"
        "assert a.state_dict().keys() == b.state_dict().keys()"
    )
    made = one[0] / "model"
    subprocess.run([sys.executable, "-c", script, str(made), str(model)], check=True, cwd=ROOT)
    for name in ("chat_template.jinja", "selfimprove.json", "tokenizer.json"):
        assert (made / name).read_bytes() == (model / name).read_bytes()
    assert "full fine-tuning" in (made / "README.md").read_text()


def test_what_has_ended_is_not_trained_again(
    one: Trained, model: Path, rows: Path
) -> None:
    told: list[Event] = []
    with listening(told.append):
        assert train(model, rows, one[0], FULL, **ARGUMENTS) == one[1]
    assert not told


@pytest.mark.parametrize("change", [{"micro_batch": 1}, {"processes": 2, "micro_batch": 2, "zero_stage": 3}], ids=str)
def test_any_split_of_the_batch_makes_the_same_updates(
    one: Trained, model: Path, rows: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    train(model, rows, tmp_path, FULL.model_copy(update=change), **ARGUMENTS)
    assert losses(tmp_path) == pytest.approx(losses(one[0]), abs=1e-5)


def test_lora_is_merged(model: Path, rows: Path, tmp_path: Path) -> None:
    config = FULL.model_copy(update={"method": "lora", "gradient_checkpointing": True, "zero_stage": 2})
    counts = train(model, rows, tmp_path, config, **ARGUMENTS)
    assert counts["loss_last"] < counts["loss_first"]
    assert not list((tmp_path / "model").glob("adapter*"))


def test_no_compiler_and_no_path_are_needed(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also: a row without supervised tokens is refused, in one sentence that names it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    bad = tmp_path / "rows.jsonl"
    bad.write_text(json.dumps(row("empty", "hello", " ", "use")) + "\n")
    with pytest.raises(TrainError, match="row empty has no supervised tokens"):
        train(model, bad, tmp_path / "out", FULL, **ARGUMENTS)
    bad.write_text(json.dumps(row("full", "hello", "[]", "use")) + "\n")
    assert train(model, bad, tmp_path / "out", FULL, **ARGUMENTS)["steps"] == 2


def test_a_killed_training_leaves_no_process_and_starts_again(
    one: Trained, model: Path, rows: Path, tmp_path: Path
) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from selfimprove.config.model import Train; from selfimprove.train import train;"
        "train(*map(Path, sys.argv[1:]), Train(epochs=1000, processes=2), max_tokens=120, learning_rate=3e-3, seed=3)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(model), str(rows), str(tmp_path)], cwd=ROOT)
    wait_for(lambda: (tmp_path / "train.jsonl").exists(), 120)
    assert len(processes(str(tmp_path))) >= 4
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not processes(str(tmp_path)), 10)
    train(model, rows, tmp_path, FULL, **ARGUMENTS)
    assert losses(tmp_path) == pytest.approx(losses(one[0]), abs=1e-6)


def processes(word: str) -> list[int]:
    """Living processes whose command line names `word`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_for(condition: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
