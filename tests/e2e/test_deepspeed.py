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
from jsonschema import Draft202012Validator

from selfimprove.config import load
from selfimprove.errors import TrainError
from selfimprove.events import Event, Note, Progress, listening
from selfimprove.schemas.make import schema
from selfimprove.train import train
from tests.e2e.conftest import Trained
from tests.e2e.training import ARGUMENTS, FULL, losses, processes, row, steps, write_rows
from tests.e2e.warm import Warm

ROOT = Path(__file__).resolve().parents[2]


ZERO3 = load([ROOT / "configs/deepspeed/zero3.yaml"]).value.train.model_dump(include={"zero_stage", "deepspeed"})


def test_one_process_learns_and_tells(one: Trained) -> None:
    out, counts, told = one
    assert counts["rows"] == 19 and counts["left_out"] == 1 and counts["steps"] == 6
    assert counts["loss_last"] < 0.9 * counts["loss_first"]
    shown = [event for event in told if isinstance(event, Progress)]
    assert (shown[-1].done, shown[-1].total) == (6, 6)
    assert all(word in shown[-1].detail for word in ("tok/s", "make ", "use ", "gradient ", "GB"))
    assert any(isinstance(event, Note) and "long" in event.text for event in told)
    first = steps(out)[0]
    assert set(first["loss_by_subtask"]) == {"make", "use"} and first["grad_norm"] > 0 and first["peak_gb"] > 0
    assert first["supervised_share"] == pytest.approx(first["supervised_tokens"] / first["tokens"], abs=1e-4)
    validator = Draft202012Validator(schema("steps"))
    assert [row for row in steps(out) if not validator.is_valid(row)] == []


def test_an_export_is_a_whole_model(one: Trained, warm: Warm, tiny_model: Path) -> None:
    made = one[0] / "model"
    assert all(warm.call("tests.e2e.planted:compared", str(made), str(tiny_model)).values())
    for name in ("chat_template.jinja", "selfimprove.json", "tokenizer.json"):
        assert (made / name).read_bytes() == (tiny_model / name).read_bytes()
    assert "full fine-tuning" in (made / "README.md").read_text()


def test_what_has_ended_is_not_trained_again(
    one: Trained, tiny_model: Path, rows: Path
) -> None:
    told: list[Event] = []
    with listening(told.append):
        assert train(tiny_model, rows, one[0], FULL, **ARGUMENTS) == one[1]
    assert not told


@pytest.mark.parametrize(
    "change",
    [
        {"micro_batch": 1, "packing": False}, {"processes": 2, "micro_batch": 4}, {"processes": 2, "micro_batch": 2, **ZERO3},
        {"packing": False, "micro_batch": 2},
    ],
    ids=lambda change: "-".join(map(str, change)),
)  # fmt: skip
def test_any_split_of_the_batch_makes_the_same_updates(
    one: Trained, warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    """One process with 8 rows at once, 8 times 1 row, 2 processes with 4, padded and packed: a mean of means would differ."""
    train(tiny_model, rows, tmp_path, FULL.model_copy(update=change), launcher=warm, **ARGUMENTS)
    assert losses(tmp_path) == pytest.approx(losses(one[0]), abs=1e-5)
    given = json.loads((tmp_path / "deepspeed.json").read_text())["zero_optimization"]
    assert given == {"stage": change.get("zero_stage", 0), **change.get("deepspeed", {}).get("zero_optimization", {})}
    for here, there in zip(steps(tmp_path), steps(one[0]), strict=True):
        assert here["loss_by_subtask"] == pytest.approx(there["loss_by_subtask"], abs=1e-5)
        assert here["grad_norm"] == pytest.approx(there["grad_norm"], rel=1e-4)


def test_weights_and_optimizer_in_the_hosts_memory_make_the_same_updates(
    one: Trained, warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    config = FULL.model_copy(update={"zero_stage": 3, "offload": True, "micro_batch": 4})
    train(tiny_model, rows, tmp_path, config, launcher=warm, **ARGUMENTS)
    assert losses(tmp_path) == pytest.approx(losses(one[0]), abs=1e-5)
    given = json.loads((tmp_path / "deepspeed.json").read_text())["zero_optimization"]
    assert given["offload_optimizer"]["device"] == given["offload_param"]["device"] == "cpu"


def test_bfloat16_learns_what_float32_does(
    one: Trained, warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """DeepSpeed's optimizer for ZeRO 0 in bfloat16 does not: it is not used."""
    config = FULL.model_copy(update={"dtype": "bfloat16", "micro_batch": 4})
    train(tiny_model, rows, tmp_path, config, launcher=warm, **ARGUMENTS)
    assert losses(tmp_path) == pytest.approx(losses(one[0]), abs=0.03)


def test_the_loss_is_the_sum_over_supervised_tokens_by_their_number(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """Against transformers' own loss of each row alone. Weights change the gradient as they should, and never what is told."""
    weighted = FULL.model_copy(update={"batch": 20, "micro_batch": 7, "epochs": 1.0, "subtask_weights": {"make": 3.0}})
    train(tiny_model, rows, tmp_path, weighted, launcher=warm, **ARGUMENTS)
    (step,) = steps(tmp_path)
    found = warm.call("tests.e2e.planted:plain_loss", str(tiny_model), str(tmp_path / "rows"))
    plain = found["losses"]
    assert step["grad_norm"] == pytest.approx(found["norm"], rel=1e-4)
    sums = {name: sum(loss * count for loss, count in each) for name, each in plain.items()}
    counts = {name: sum(count for _, count in each) for name, each in plain.items()}
    assert step["supervised_tokens"] == sum(counts.values())
    assert step["loss"] == pytest.approx(sum(sums.values()) / sum(counts.values()), abs=1e-5)
    assert step["loss_by_subtask"] == pytest.approx({name: sums[name] / counts[name] for name in sums}, abs=1e-5)


def test_weights_of_subtasks_move_the_updates_alike_in_any_split(
    one: Trained, warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    weighted = FULL.model_copy(update={"subtask_weights": {"make": 3.0}})
    train(tiny_model, rows, tmp_path / "whole", weighted, launcher=warm, **ARGUMENTS)
    # Two passes a step on two ranks, whose gradients ZeRO 2 sums as they come.
    split = weighted.model_copy(update={"processes": 2, "micro_batch": 2, "packing": False, "zero_stage": 2})
    train(tiny_model, rows, tmp_path / "split", split, launcher=warm, **ARGUMENTS)
    assert losses(tmp_path / "split") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)
    assert losses(tmp_path / "whole")[0] == pytest.approx(losses(one[0])[0], abs=1e-6)
    assert losses(tmp_path / "whole")[-1] != pytest.approx(losses(one[0])[-1], abs=1e-3)


def test_lora_is_merged(warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    config = FULL.model_copy(update={"method": "lora", "gradient_checkpointing": True, "zero_stage": 2})
    counts = train(tiny_model, rows, tmp_path, config, launcher=warm, **ARGUMENTS)
    assert counts["loss_last"] < counts["loss_first"]
    assert not list((tmp_path / "model").glob("adapter*"))


def test_a_row_without_supervised_tokens_is_refused_by_name(warm: Warm, tiny_model: Path, tmp_path: Path) -> None:
    bad = write_rows(tmp_path / "rows.jsonl", row("empty", "hello", " "))
    with pytest.raises(TrainError, match="row empty has no supervised tokens"):
        train(tiny_model, bad, tmp_path / "out", FULL, launcher=warm, **ARGUMENTS)


def test_no_compiler_and_no_path_are_needed(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    rows = write_rows(tmp_path / "rows.jsonl", row("full", "hello", "[]"))
    told: list[Event] = []
    with listening(told.append):
        assert train(tiny_model, rows, tmp_path / "out", FULL, **ARGUMENTS)["steps"] == 2
    (note,) = [event.text for event in told if isinstance(event, Note) and "packed" in event.text]
    assert "rows are not packed, but share padded passes with others of their length: there is one row only" in note


LONG = {"epochs": 8.0, "processes": 2, "micro_batch": 2}


def test_a_killed_training_leaves_no_process_and_goes_on_to_the_same_weights(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """Not near the same: bit for bit, losses and model, as without the kill."""
    script = (
        "import sys; from pathlib import Path; from selfimprove.train import train;"
        f"from tests.e2e.training import ARGUMENTS, FULL; changes = {LONG | {'checkpoint_minutes': 1e-6}};"
        "train(*map(Path, sys.argv[1:]), FULL.model_copy(update=changes), **ARGUMENTS)"
    )
    out = tmp_path / "killed"
    parent = subprocess.Popen([sys.executable, "-c", script, str(tiny_model), str(rows), str(out)], cwd=ROOT)
    wait_for(lambda: (out / "checkpoint.json").exists() and len(steps(out)) >= 4, 200)
    assert len(processes(str(out))) >= 4
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not processes(str(out)), 10)
    assert 4 <= len(steps(out)) < 24
    told: list[Event] = []
    with listening(told.append):
        counts = train(tiny_model, rows, out, FULL.model_copy(update=LONG), launcher=warm, **ARGUMENTS)
    assert any(isinstance(event, Note) and "goes on after step" in event.text for event in told)
    assert not (out / "checkpoints").exists() and counts["steps"] == len(steps(out)) == 24
    whole = train(tiny_model, rows, tmp_path / "whole", FULL.model_copy(update=LONG), launcher=warm, **ARGUMENTS)
    assert losses(out) == losses(tmp_path / "whole") and counts["tokens"] == whole["tokens"]
    weights = [(folder / "model/model.safetensors").read_bytes() for folder in (out, tmp_path / "whole")]
    assert weights[0] == weights[1]


def wait_for(condition: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
