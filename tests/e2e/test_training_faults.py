"""What goes wrong in a training is refused, or ends it in one sentence: it is never trained on in silence."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from selfimprove.errors import DivergedError, TrainError
from selfimprove.events import Event, Note, Progress, listening
from selfimprove.schemas.make import schema
from selfimprove.train import train
from tests.conftest import ROOT
from tests.e2e.training import ARGUMENTS, FULL, losses, processes, row, steps, write_rows
from tests.e2e.warm import Warm


def test_a_training_that_diverges_stops_early_and_says_so(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """On every rank at once: one that waited for the others would hang."""
    config = FULL.model_copy(update={"epochs": 20.0, "processes": 2, "max_grad_norm": 1e9})
    with pytest.raises(DivergedError, match=r"diverged at step \d+ of 60: .*lower the learning rate"):
        train(tiny_model, rows, tmp_path, config, launcher=warm, **{**ARGUMENTS, "learning_rate": 10.0})
    assert len(steps(tmp_path)) < 59 and not (tmp_path / "model").exists()
    told = json.loads((tmp_path / "rejected.json").read_text())
    assert Draft202012Validator(schema("rejected")).is_valid(told)


def test_a_model_that_holds_no_numbers_is_not_trained_on(warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    model = Path(warm.call("tests.e2e.planted:poisoned", str(tiny_model), str(tmp_path / "poisoned")))
    with pytest.raises(DivergedError, match=r"diverged at step 1 of 6: its loss is nan .*; look at the model it began with"):
        train(model, rows, tmp_path / "out", FULL, launcher=warm, **ARGUMENTS)
    assert not (tmp_path / "out" / "model").exists()


def test_a_last_update_that_ruins_the_model_rejects_its_training(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """No step after it tells: the only loss was made before the weights were ruined. Once this was a fault that ended the run."""
    config = FULL.model_copy(update={"batch": 19, "epochs": 1.0, "processes": 1})
    with pytest.raises(DivergedError, match=r"diverged at step 1 of 1: its last update left weights .*; lower the learning rate"):
        train(tiny_model, rows, tmp_path, config, launcher=warm, **{**ARGUMENTS, "learning_rate": 1e38})
    assert (tmp_path / "rejected.json").exists() and not (tmp_path / "model").exists()


def test_a_tokenizer_of_another_model_trains_nothing(warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    model = Path(warm.call("tests.e2e.planted:small_vocabulary", str(tiny_model), str(tmp_path / "small")))
    with pytest.raises(TrainError, match=r"has the token \d+, and the model knows 1000 tokens: its tokenizer belongs to another"):
        train(model, rows, tmp_path / "out", FULL, launcher=warm, **ARGUMENTS)


def test_a_training_that_takes_too_long_is_ended_with_all_its_processes(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    config = FULL.model_copy(update={"epochs": 1000.0, "limit_minutes": 1e-3})
    with pytest.raises(TrainError, match=r"took longer than train\.limit_minutes"):
        train(tiny_model, rows, tmp_path, config, launcher=warm, **ARGUMENTS)
    assert processes(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"zero_optimization": {"wombat": 3}}, r"refuses these settings \(wombat: Extra inputs are not permitted\): correct"),
        ({"optimizer": {"params": {"wombat": 1}}}, r"refuses these settings \(TypeError: .*'wombat'\): correct train.deepspeed"),
        ({"zero_optimisation": {"stage": 1}}, r"train.deepspeed.zero_optimisation: .*did you mean zero_optimization\?"),
        ({"wombat": 3}, "train.deepspeed.wombat: DeepSpeed has no such setting"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_deepspeed_does_not_take_is_named_in_one_sentence(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path, settings: dict[str, object], said: str
) -> None:
    """What it does not know, it passes over in silence."""
    with pytest.raises(TrainError, match=said) as caught:
        train(tiny_model, rows, tmp_path, FULL.model_copy(update={"deepspeed": settings}), launcher=warm, **ARGUMENTS)
    assert "\n" not in str(caught.value)


class StoppedError(Exception):
    pass


def test_lora_goes_on_from_its_checkpoint_to_the_same_losses(
    warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    """Its checkpoints hold the matrices alone: the base is read from the model again."""

    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.done >= 3:
            raise StoppedError

    config = FULL.model_copy(update={"method": "lora", "zero_stage": 2, "epochs": 8.0, "checkpoint_minutes": 1e-6})
    with pytest.raises(StoppedError), listening(stop):
        train(tiny_model, rows, tmp_path / "stopped", config, launcher=warm, **ARGUMENTS)
    told: list[Event] = []
    with listening(told.append):
        train(tiny_model, rows, tmp_path / "stopped", config, launcher=warm, **ARGUMENTS)
    assert any(isinstance(event, Note) and "goes on after step" in event.text for event in told)
    train(tiny_model, rows, tmp_path / "whole", config.model_copy(update={"checkpoint_minutes": 0}), launcher=warm, **ARGUMENTS)
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_a_rank_that_dies_takes_the_training_with_it(tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    """The other rank waits for it in a reduction and would do so for half an hour. The user hears of the one that was killed, not
    of what the other says then."""
    killed: list[int] = []

    def kill_the_last_rank() -> None:
        while not killed:
            time.sleep(0.1)
            if (tmp_path / "checkpoint.json").exists():
                ranks = [pid for pid in processes(str(tmp_path)) if b"selfimprove.train.watch" not in cmdline(pid)]
                os.kill(max(ranks), signal.SIGKILL)
                killed.append(max(ranks))

    threading.Thread(target=kill_the_last_rank, daemon=True).start()
    config = FULL.model_copy(update={"epochs": 1000.0, "processes": 2, "checkpoint_minutes": 1e-6})
    with pytest.raises(TrainError) as caught:
        train(tiny_model, rows, tmp_path, config, **ARGUMENTS)
    assert str(caught.value) == (
        "rank 1 of 2 training processes was killed (signal 9, perhaps for memory), and the others were ended too, before the "
        f"model was written; the log is {tmp_path / 'train.log'}; the same command goes on from the last checkpoint"
    )
    assert killed and processes(str(tmp_path)) == []


def test_a_template_that_loses_values_is_refused_before_the_first_step(tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    """The training itself asks the doctor: nobody has to think of `selfimprove doctor`."""
    model = Path(shutil.copytree(tiny_model, tmp_path / "faulty"))
    sound = (ROOT / "tests" / "templates" / "hermes.jinja").read_text()
    (model / "chat_template.jinja").write_text(sound.replace("{{ c.function.arguments | tojson }}", "{}"))
    (model / "selfimprove.json").write_text('{"family": "hermes"}')
    with pytest.raises(TrainError, match=r"family hermes .*'Skagen' is missing in .*nothing is trained on it"):
        train(model, rows, tmp_path / "out", FULL, **ARGUMENTS)
    assert not (tmp_path / "out" / "model").exists() and not (tmp_path / "out" / "train.jsonl").exists()


def test_less_memory_than_a_forward_pass_takes_halves_it_once_and_says_so(warm: Warm, tmp_path: Path) -> None:
    """8 rows of 700 tokens, no two of which begin alike, take about 5.7 GB, 4 of them 4.3."""
    model = Path(warm.call("tests.e2e.planted:wide", str(tmp_path / "wide")))
    rows = write_rows(tmp_path / "rows.jsonl", *(row(f"r{i}", f"{i} " + "seven " * 700, "[]") for i in range(8)))
    told: list[Event] = []
    with listening(told.append):
        config = FULL.model_copy(update={"epochs": 1.0, "gradient_checkpointing": False, "packing": False})
        train(model, rows, tmp_path / "out", config, launcher=warm.with_memory(4.8), **{**ARGUMENTS, "max_tokens": 760})
    said = " ".join(event.text for event in told if isinstance(event, Note))
    assert "ran out of memory with train.micro_batch=8" in said
    assert "trying once more with train.micro_batch=4 instead of 8" in said
    assert len(steps(tmp_path / "out")) == 1 and (tmp_path / "out/model/model.safetensors").exists()


def cmdline(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def test_a_disk_too_full_for_a_checkpoint_ends_no_training(warm: Warm, tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    """The model fits, a checkpoint beside it does not: none is written, and the user hears of it once."""
    disk, weights = tmp_path / "disk", (tiny_model / "model.safetensors").stat().st_size
    disk.mkdir()
    mount = [shutil.which("mount") or "false", "-t", "tmpfs", "-o", f"size={3 * weights}", "tmpfs", str(disk)]
    if (made := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no small disk can be made here ({made.stderr.strip()})")
    told: list[Event] = []
    try:
        with listening(told.append):
            config = FULL.model_copy(update={"checkpoint_minutes": 1e-6})
            train(tiny_model, rows, disk / "out", config, launcher=warm, **ARGUMENTS)
        notes = [event.text for event in told if isinstance(event, Note) and "no checkpoints are written" in event.text]
        assert len(notes) == 1 and "free some space" in notes[0]
        assert (disk / "out" / "model" / "model.safetensors").exists() and not (disk / "out" / "checkpoints").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
