"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Gives each of several test processes cores of its own: two that compute with all cores slow each other down tenfold."""
    worker = getattr(config, "workerinput", None)
    if worker:
        cores = sorted(os.sched_getaffinity(0))
        mine = cores[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]
        if mine:
            os.sched_setaffinity(0, mine)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete random model directory. Built in a child, so that the tests' own process stays without torch."""
    out = tmp_path_factory.mktemp("models") / "tiny"
    done = subprocess.run(
        [sys.executable, "-m", "tests.tiny_model", str(out)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return out
