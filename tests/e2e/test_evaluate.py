"""`selfimprove evaluate` with a real engine and a tiny random model: what a user starts, reads and compares."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.command import ROOT, environment

pytestmark = pytest.mark.real


def selfimprove(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=environment(), text=True, capture_output=True, timeout=300)


def evaluate(model: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return selfimprove(
        "evaluate", "--model", model, "--suite", "gate", "--limit", "6", "--engine", "transformers", "--out", out,
        "--folder", out.parent / "runs", "generate.max_answer_tokens=24", *more,
    )  # fmt: skip


def test_a_random_model_scores_nothing_and_every_answer_is_accounted_for(tiny_model: Path, tmp_path: Path) -> None:
    done = evaluate(tiny_model, tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert "call accuracy: 0.0" in done.stdout and "the smoke item was not solved" in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "a" / "outputs.jsonl").read_text(encoding="utf-8").splitlines()]
    results = json.loads((tmp_path / "a" / "results.json").read_text(encoding="utf-8"))
    assert len(rows) == 6 == results["n"] and all(row["seconds"] > 0 for row in rows)
    assert results["truncated"] == sum(row["finish"] == "length" for row in rows)
    assert results["versions"]["family"] == "selfimprove" and len(results["versions"]["template"]) == 16
    again = evaluate(tiny_model, tmp_path / "a")
    assert again.returncode == 0 and "was already done" in again.stderr
    compared = selfimprove("compare", tmp_path / "a", tmp_path / "a", "--json")
    assert json.loads(compared.stdout)["overall"]["wins"] == 0
    other = evaluate(tiny_model, tmp_path / "a", "engine.max_model_len=1024")
    assert other.returncode == 2 and "holds a measurement of something else (other max_model_len)" in other.stderr


def test_prompts_that_do_not_fit_are_counted_and_not_scored_as_right(tiny_model: Path, tmp_path: Path) -> None:
    small = ("engine.max_model_len=40", "rows.max_tokens=16", "generate.max_list_tokens=24")
    done = evaluate(tiny_model, tmp_path / "b", *small)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "b" / "results.json").read_text(encoding="utf-8"))
    assert results["too_long"] == 6 and results["call"]["correct"] == results["abstention"]["correct"] == 0
    assert "prompts that did not fit into 40 tokens: 6" in done.stdout
