"""Bad input ends with one clear sentence and exit code 2 before any work, never with a traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.command import ROOT, environment

TOOL = {"name": "get_time", "description": "Time in a city.", "parameters": {"type": "object", "properties": {}}}


def refused(*words: str) -> str:
    """The one sentence that a command was refused with."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], cwd=ROOT, env=environment(), text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1 and lines[0].startswith("selfimprove: ") and "Traceback" not in done.stderr, done.stderr
    return lines[0]


def test_an_unknown_setting_names_the_right_one() -> None:
    assert "did you mean train.batch?" in refused("run", "configs/smoke.yaml", "train.bacth=4")


def test_tensor_parallelism_without_gpus_is_refused() -> None:
    assert "set it to 1" in refused("run", "configs/smoke.yaml", "engine.tensor_parallel=2")


def test_a_configuration_that_is_not_there_is_named() -> None:
    assert "configs/demmo.yaml" in refused("run", "configs/demmo.yaml")


def test_a_model_directory_without_tokenizer_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tiny_model, bare, ignore=shutil.ignore_patterns("tokenizer*"))
    assert "tokenizer" in refused("run", "configs/smoke.yaml", f"model={bare}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (json.dumps(TOOL).encode() + b"\n{broken\n", "line 2"),
        (json.dumps(TOOL).encode() + b"\n" + json.dumps({**TOOL, "name": "b", "parameters": {"type": 7}}).encode(), "line 2"),
        (json.dumps(TOOL).encode() + b"\n" + json.dumps(TOOL).encode(), "stands on line 1 already"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
    ],
    ids=["empty", "malformed", "no-schema", "duplicate", "encoding"],
)
def test_a_tool_file_that_cannot_be_used_is_named_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "tools.jsonl"
    file.write_bytes(content)
    sentence = refused("doctor", "configs/demo.yaml", f"data.tools={file}", f"run.folder={tmp_path}")
    assert said in sentence and str(file) in sentence


def test_status_of_a_run_that_is_not_there_lists_the_runs(tmp_path: Path) -> None:
    assert "holds no run" in refused("status", "nothing", "--folder", str(tmp_path))


def test_control_of_an_unfinished_run_says_what_to_do_first(tmp_path: Path) -> None:
    assert "run `selfimprove run CONFIG` to its end first" in refused(
        "control", "configs/demo.yaml", f"run.folder={tmp_path}", "run.name=none"
    )
