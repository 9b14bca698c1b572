"""`selfimprove ask`: one JSON line that a script can read, whatever the model says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.command import ROOT, environment

pytestmark = pytest.mark.real


def test_ask_prints_one_json_line_with_calls_abstain_and_text(tiny_model: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools.jsonl"
    tools.write_text("".join((ROOT / "configs/seeds/tools.jsonl").open(encoding="utf-8").readlines()[:3]), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "flows.cli", "ask", "--model", str(tiny_model), "--tools", str(tools),
            "--folder", str(tmp_path), "What's the weather in Oslo?",
        ],
        cwd=ROOT, env=environment(), text=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1 and json.loads(done.stdout).keys() == {"calls", "abstain", "text"}
