"""Tracking in a real MLflow on SQLite: a parent, a child for each round, and nothing logged twice."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from selfimprove.config import Config
from selfimprove.config.model import Run
from selfimprove.events import Event, listening
from selfimprove.observe import mlflow as tracking
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout, write_json

pytestmark = pytest.mark.real
CONFIG = Config(run=Run(name="trial", experiment="observed"))
STEP = {"grad_norm": 1.5, "tokens": 600, "seconds": 2.0, "supervised_share": 0.25, "peak_gb": 4.5}
CARD = {"name": "trial", "created": "2026-11-22T13:00:00", "seed": 7}


def score(correct: int, n: int) -> dict[str, float]:
    return {"n": n, "correct": correct, "accuracy": correct / n, "low": 0.1, "high": 0.9}


def results(folder: Path, suite: str, correct: int) -> None:
    write_json(folder / f"{suite}.results.json", {"call": score(correct, 40), "abstention": score(8, 16), "kinds": {}})


def decide(layout: Layout, number: int, correct: int) -> None:
    folder = layout.round(number)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"run": {"seed": 7}, "plan": {"round/train": 90}, "model": "embedded"})
    )
    os.utime(folder / "config.yaml", (began := time.time() - 90, began))
    results(folder / "evaluate", "gate", correct)
    jsonl.write(
        folder / "train" / "train.jsonl",
        [{"step": i, "loss": 2 / i, "loss_by_subtask": {"use": 1 / i}, "learning_rate": 1e-4, **STEP} for i in (1, 2, 3)],
    )
    write_json(folder / "train" / "manifest.json", {"counts": {"rows": 24}, "seconds": 50.0})
    decision = {
        "round": number, "champion": "base", "challenger": "x", "promoted": True, "sentence": f"Round {number} was adopted.",
        "gain": 0.1, "low": 0.01, "interval": [0.01, 0.2], "n": 40 * number,
    }  # fmt: skip
    write_json(folder / "decide" / "decision.json", decision)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """One database for all tests here: the first run on a new one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        layout = Layout(tmp_path_factory.mktemp("runs"), "trial")
        write_json(layout.card, CARD)
        decide(layout, 0, 10)
        decide(layout, 1, 20)
        results(layout.round(0) / "evaluate-base", "gate", 0)
        for name, correct in (("base", 0), ("round-001", 22)):
            results(layout.final(1) / "evaluate" / name, "test", correct)
        comparison = [
            {
                "a": "round-001",
                "b": "base",
                "n": 40,
                "gain": 0.55,
                "low": 0.4,
                "high": 0.7,
                "suite": "test",
                "wins": 22,
                "losses": 0,
            }
        ]
        write_json(layout.final(1) / "comparison.json", comparison)
        layout.report.write_text("<!doctype html>")
        yield layout


def track(layout: Layout) -> None:
    tracking.track_round(layout, CONFIG, 0)
    tracking.track_round(layout, CONFIG, 1)
    tracking.track_final(layout, CONFIG)


def everything(layout: Layout) -> dict[str, Any]:
    """All runs with all their metric histories, tags and artifacts, as plain values."""
    client = tracking._client(tracking.tracking_uri(layout))
    experiment = client.get_experiment_by_name("observed")
    assert experiment
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        history = {
            key: [(m.value, m.step) for m in client.get_metric_history(run.info.run_id, key)] for key in run.data.metrics
        }  # fmt: skip
        artifacts = sorted(artifact.path for artifact in client.list_artifacts(run.info.run_id))
        found[str(run.info.run_name)] = {
            "status": run.info.status, "metrics": history, "params": run.data.params,
            "seconds": (run.info.end_time - run.info.start_time) / 1000,
            "tags": run.data.tags, "id": run.info.run_id,
            "artifacts": artifacts, "where": run.info.artifact_uri,
        }  # fmt: skip
    return found


@pytest.mark.timeout(240)
def test_twice_is_once(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    heard: list[Event] = []
    with listening(heard.append):
        track(layout)
        first = everything(layout)
        track(layout)
    assert heard == [] and everything(layout) == first
    assert "alembic" not in capfd.readouterr().err
    parent, boot, child = first["trial"], first["trial bootstrap"], first["trial round-001"]
    assert {run["status"] for run in first.values()} == {"FINISHED"} and len(first) == 3
    assert child["seconds"] == pytest.approx(90, abs=30), "the comparison page shows how long a round took"
    assert parent["metrics"]["gate/call"] == [(0.25, 0), (0.5, 1)] and parent["metrics"]["base/gate/call"] == [(0.0, 0)]
    assert parent["metrics"]["test/round-001/call"] == [(0.55, 1)]
    assert parent["metrics"]["test/round-001_minus_base_low"] == [(0.4, 1)]
    assert child["metrics"]["gate/call"] == [(0.5, 1)]
    assert child["metrics"]["train/loss"] == [(2.0, 1), (1.0, 2), (2 / 3, 3)]
    assert child["metrics"]["train/loss/use"] == [(1.0, 1), (0.5, 2), (1 / 3, 3)]
    constant = {"learning_rate": 1e-4, "grad_norm": 1.5, "tokens_per_second": 300.0, "supervised_share": 0.25, "peak_gb": 4.5}
    for name, value in constant.items():
        assert child["metrics"][f"train/{name}"] == [(value, step) for step in (1, 2, 3)], name
    assert child["tags"]["mlflow.parentRunId"] == boot["tags"]["mlflow.parentRunId"] == parent["id"]
    assert child["tags"]["selfimprove.decision"] == "adopted" and child["params"]["plan.round/train"] == "90"
    assert child["artifacts"] == ["config.yaml", "decision.json", "report.html"]
    assert child["where"].startswith((layout.folder / "mlartifacts").resolve().as_uri())


@pytest.mark.timeout(240)
def test_a_killed_attempt_is_finished_not_repeated(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    track(layout)
    before = everything(layout)
    for lost in ({"logged": []}, {"logged": [], "children": {}}, {"logged": [], "children": {}, "parent": None}):
        write_json(layout.root / "mlflow.json", {**json.loads((layout.root / "mlflow.json").read_text()), **lost})
        # As if the kill had come before the last tag too: everything is logged over itself.
        client = tracking._client(tracking.tracking_uri(layout))
        client.delete_tag(before["trial round-001"]["id"], tracking.LOGGED)
        track(layout)
        assert everything(layout) == before


def test_an_unreachable_server_is_a_sentence(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://nowhere")
    state = (layout.root / "mlflow.json").read_text() if (layout.root / "mlflow.json").exists() else None
    heard: list[Any] = []
    with listening(heard.append):
        tracking.track_round(layout, CONFIG, 1)
    assert len(heard) == 1 and heard[0].level == "warning" and "the run goes on" in heard[0].text
    assert ((layout.root / "mlflow.json").read_text() if state else None) == state


@pytest.mark.timeout(240)
def test_a_database_of_ones_own_keeps_artifacts_beside_the_runs(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'own.db'}")
    monkeypatch.chdir(tmp_path)
    tracking.track_round(layout, CONFIG, 1)
    where = everything(layout)["trial round-001"]["where"]
    assert where.startswith((layout.folder / "mlartifacts").as_uri()) and not (tmp_path / "mlruns").exists()


def test_the_import_is_light() -> None:
    code = (
        "import sys, selfimprove.observe, selfimprove.observe.progress, selfimprove.observe.report, selfimprove.observe.mlflow\n"
        "sys.exit(','.join({'mlflow', 'torch', 'matplotlib', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr.strip() == ""
    )
