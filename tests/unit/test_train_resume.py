"""Which checkpoint of an interrupted training is opened: its own, whole, at the same number of processes; no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.events import Event, Note, listening
from selfimprove.train import train
from selfimprove.train.resume import SHORTEST, Checkpoint, digest_of, forget, identity, interval, usable, zero_stage
from selfimprove.train.spec import Spec, write_json
from tests.unit.test_train_source import model

CONFIG = Train(zero_stage=0, micro_batch=8, offload=False)
SPEC = Spec(model="m", model_digest="0", rows="r", rows_sha256="0", config=CONFIG, max_tokens=9, learning_rate=1e-3, seed=7)


def changed(**config: object) -> Spec:
    return SPEC.model_copy(update={"config": SPEC.config.model_copy(update=config)})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Interrupted in its fourth step, two steps after its checkpoint; with a stranger's checkpoint beside it."""
    for name in ("step-000002", "step-000099"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / "states.pt").write_bytes(b"states")
    files = {"states.pt": digest_of(tmp_path / "checkpoints/step-000002/states.pt")}
    found = Checkpoint(spec=identity(SPEC), model_digest="0", processes=1, zero_stage=0, step=2, files=files)
    write_json(tmp_path / "checkpoint.json", found.model_dump(mode="json"))
    (tmp_path / "train.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    return tmp_path


@pytest.fixture
def told() -> Iterator[list[Event]]:
    found: list[Event] = []
    with listening(found.append):
        yield found


def test_a_training_of_a_few_minutes_gets_a_checkpoint_and_one_of_seconds_gets_none() -> None:
    """Killed in its fourth minute, the demo's training once had nothing to go on from: the first was due in the fifth."""
    for whole in (185.0, 226.0, 599.0):
        assert SHORTEST <= interval(300, whole) <= whole / 2
    assert interval(300, 3600) == 300 and interval(300, 40) == SHORTEST > 40
    assert interval(1e-6, 40) == 1e-6


def test_a_training_goes_on_from_its_checkpoint_and_forgets_what_came_after(out: Path) -> None:
    found = usable(out, SPEC)
    assert found and found.step == 2
    forget(out, keep=found)
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step-000002"]
    assert (out / "train.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'


@pytest.mark.parametrize("config", [{"micro_batch": 1}, {"limit_minutes": 5.0}, {"checkpoint_minutes": 0.0}])
def test_settings_that_change_no_result_do_not_throw_work_away(out: Path, config: dict[str, object]) -> None:
    assert usable(out, changed(**config))


def test_another_number_of_processes_starts_again_and_says_so(out: Path, told: list[Event]) -> None:
    assert usable(out, changed(processes=2)) is None
    (note,) = [event.text for event in told if isinstance(event, Note)]
    assert "after step 2 starts again" in note and "1 processes trained it, and now there are 2" in note


def test_another_sharding_starts_again_and_says_so(out: Path, told: list[Event]) -> None:
    assert usable(out, changed(zero_stage=2)) is None and "train.zero_stage=0, and now it is 2" in str(told)


def test_a_base_that_was_overwritten_in_its_place_is_trained_from_its_beginning(out: Path, told: list[Event]) -> None:
    assert usable(out, SPEC.model_copy(update={"model_digest": "1"})) is None
    (note,) = [event.text for event in told if isinstance(event, Note)]
    assert "after step 2 starts again" in note and "m holds another model now than the one it began with" in note


def test_memory_that_is_free_today_does_not_throw_away_the_work_of_yesterday(out: Path) -> None:
    """Another stage would be another estimate's, and no checkpoint is read at another stage than its own."""
    assert zero_stage(out, changed(zero_stage="auto", micro_batch="auto", offload="auto")) == 0
    assert zero_stage(out, changed(zero_stage="auto", processes=2)) is None
    assert zero_stage(out, changed(zero_stage="auto", batch=4)) is None
    (out / "checkpoint.json").write_text("{")
    assert zero_stage(out, changed(zero_stage="auto")) is None


def test_a_training_that_was_sharded_goes_on_where_nobody_asked_for_a_stage(tmp_path: Path, told: list[Event]) -> None:
    """The estimate alone would shard nothing here, and begin again."""
    (rows := tmp_path / "rows.jsonl").write_text("")
    out, arguments = tmp_path / "out", {"max_tokens": 9, "learning_rate": 1e-3, "seed": 7}

    def start() -> Spec:
        # Its processes are ended before they do anything.
        with pytest.raises(TrainError, match="limit_minutes"):
            train(model(tmp_path / "m"), rows, out, Train(processes=2, limit_minutes=1e-9), **arguments)  # type: ignore[arg-type]
        return Spec.read(out)

    first = start()
    assert first.config.zero_stage == 0
    (out / "checkpoints/step-000002").mkdir(parents=True)
    numbers = {"loss": 2.0, "loss_by_subtask": {}, "tokens": 9, "seconds": 1.0, "grad_norm": 1.0, "peak_gb": 1.0}
    (out / "train.jsonl").write_text("".join(json.dumps({"step": n, "steps": 9, **numbers}) + "\n" for n in (1, 2)))
    found = Checkpoint(spec=identity(first), model_digest=first.model_digest, processes=2, zero_stage=2, step=2, files={})
    write_json(out / "checkpoint.json", found.model_dump(mode="json"))
    assert start().config.zero_stage == 2
    assert "the training goes on after step 2" in [event.text for event in told if isinstance(event, Note)]


@pytest.mark.parametrize("spec", [changed(batch=4), SPEC.model_copy(update={"rows_sha256": "1"}), changed(method="lora")])
def test_a_checkpoint_of_another_training_is_not_opened(out: Path, spec: Spec, told: list[Event]) -> None:
    assert usable(out, spec) is None and told == []


@pytest.mark.parametrize("damage", ["checkpoints/step-000002/states.pt", "checkpoint.json", "train.jsonl"])
def test_what_is_damaged_is_not_opened(out: Path, told: list[Event], damage: str) -> None:
    (out / damage).write_bytes(b"{}\n")
    assert usable(out, SPEC) is None
    assert "starts again from its beginning" in str(told)
    (out / damage).unlink()
    assert usable(out, SPEC) is None


def test_a_file_that_was_put_beside_a_checkpoint_is_not_opened(out: Path, told: list[Event]) -> None:
    """DeepSpeed chooses files by their names, and a pickle runs code."""
    (out / "checkpoints/step-000002/more.pt").write_bytes(b"code")
    assert usable(out, SPEC) is None and "does not hold the files" in str(told)


def test_nothing_is_left_of_checkpoints_when_a_training_is_over(out: Path) -> None:
    forget(out)
    assert sorted(path.name for path in out.iterdir()) == ["train.jsonl"]
