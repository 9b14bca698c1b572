"""Ctrl-C: one sentence, exit code 130, nothing left running, and the same command goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.crash.test_kill import wait_for
from tests.flows.command import start, wait_until_gone

pytestmark = pytest.mark.real


@pytest.mark.timeout(300)
def test_ctrl_c_in_the_middle_of_a_training_leaves_nothing_running_and_says_how_to_go_on(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    process = start(folder, tiny_model, "run.rounds=1")
    wait_for(folder / "smoke" / "round-000" / "train" / "spec.json", process)
    time.sleep(1)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    said = (folder.parent / f"{folder.name}.log").read_text(encoding="utf-8")
    assert "interrupted; the same command goes on from here" in said and "Traceback" not in said, said[-2000:]
    assert wait_until_gone(folder) == []
