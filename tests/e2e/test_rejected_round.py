"""A round whose training diverges is rejected; the champion stays, and the run ends complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flows.command import run

pytestmark = pytest.mark.real


@pytest.mark.timeout(600)
def test_a_round_that_diverges_costs_the_run_nothing_but_that_round(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    wild = ("run.rounds=1", "train.round_learning_rate=10", "train.max_grad_norm=1e9", "train.batch=2", "train.micro_batch=2")
    done = run(folder, tiny_model, *wild)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    root = folder / "smoke"
    decision = json.loads((root / "round-001/decide/decision.json").read_text(encoding="utf-8"))
    assert not decision["promoted"] and "the training diverged at step" in decision["sentence"]
    assert json.loads((root / "champion.json").read_text(encoding="utf-8"))["current"]["name"] == "bootstrap"
    assert not (root / "round-001/evaluate").exists()
    assert {p.name for p in (root / "final-001/evaluate").iterdir() if p.is_dir()} >= {"base", "bootstrap"}
    assert "the training diverged" in (root / "report.html").read_text(encoding="utf-8")
