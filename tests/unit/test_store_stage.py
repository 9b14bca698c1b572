"""Stage directories: what is finished is never made again, and what was finished from other inputs is never taken."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from selfimprove.errors import StoreError
from selfimprove.events import Event, StageFinished, StageStarted, listening
from selfimprove.store.stage import open_stage, read_manifest


def finish(folder: Path, text: str = "row\n", wait: float = 0.0, **inputs: object) -> str:
    with open_stage(folder, "verify", 1, inputs=inputs) as stage:
        if not stage.finished:
            time.sleep(wait)
            (stage.path / "rows.jsonl").write_text(text)
            stage.close({"rows": 1})
        assert stage.finished is not None
        return stage.finished.digest


def test_a_finished_stage_is_never_run_again(tmp_path: Path) -> None:
    first = finish(tmp_path / "a", generate="x")
    assert finish(tmp_path / "a", text="something else\n", generate="x") == first
    assert (tmp_path / "a" / "rows.jsonl").read_text() == "row\n"


def test_a_stage_finished_from_other_inputs_is_refused(tmp_path: Path) -> None:
    finish(tmp_path / "a", generate="x")
    with pytest.raises(StoreError, match="finished from other inputs"):
        finish(tmp_path / "a", generate="y")


def test_what_an_unfinished_stage_has_written_stays(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_stage(tmp_path / "a", "generate", 1, inputs={}) as stage:
        (stage.path / "answers.jsonl").write_text("made\n")
        raise KeyboardInterrupt
    assert read_manifest(tmp_path / "a") is None
    with open_stage(tmp_path / "a", "generate", 1, inputs={}) as stage:
        assert stage.finished is None
        assert (stage.path / "answers.jsonl").read_text() == "made\n"


def test_times_and_logs_and_paths_are_no_part_of_a_digest(tmp_path: Path) -> None:
    quick = finish(tmp_path / "a", generate="x")
    (tmp_path / "b" / "log").mkdir(parents=True)
    (tmp_path / "b" / "log" / "engine-0.log").write_text("10:31 loading")
    (tmp_path / "b" / "train.log").write_text("10:31 step 1")
    (tmp_path / "b" / "completions").mkdir()
    (tmp_path / "b" / "completions" / "answers.jsonl").write_text("in any order")
    (tmp_path / "b" / "times.jsonl").write_text('{"seconds": 12.5}\n')
    (tmp_path / "b" / ".hidden").write_text("x")
    assert finish(tmp_path / "b", wait=0.02, generate="x") == quick
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert list(manifest["outputs"]) == ["rows.jsonl"]
    assert manifest["seconds"] > 12.5


def test_other_rows_are_another_digest(tmp_path: Path) -> None:
    assert finish(tmp_path / "a", text="one\n") != finish(tmp_path / "b", text="two\n")


def test_the_seconds_of_interrupted_starts_are_counted(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError), open_stage(tmp_path / "a", "train", 1, inputs={}):
            time.sleep(0.03)
            raise ValueError
    finish(tmp_path / "a")
    manifest = read_manifest(tmp_path / "a")
    assert manifest is not None and manifest["seconds"] >= 0.05


def test_sinks_are_told_what_begins_and_what_is_reused(tmp_path: Path) -> None:
    heard: list[Event] = []
    with listening(heard.append):
        finish(tmp_path / "a")
        finish(tmp_path / "a")
    ends = [e for e in heard if isinstance(e, StageFinished)]
    assert sum(isinstance(e, StageStarted) for e in heard) == 2
    assert [e.reused for e in ends] == [False, True]
    assert ends[1].counts == {"rows": 1}


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        finish(tmp_path / "file" / "a")


def test_a_damaged_manifest_is_an_unfinished_stage(tmp_path: Path) -> None:
    finish(tmp_path / "a")
    (tmp_path / "a" / "manifest.json").write_text("{")
    assert read_manifest(tmp_path / "a") is None
