"""Two whole rounds on a tiny random model, as a user starts them: what would be lost if the loop did not close."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.command import ROOT, environment, run, wait_until_gone

pytestmark = pytest.mark.real
STAGES = ("generate", "verify", "select", "train", "evaluate", "decide")


@pytest.fixture(scope="module")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("smoke") / "runs"
    done = run(folder, tiny_model)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, done.stdout


def test_every_stage_of_two_rounds_closes_with_a_manifest(finished: tuple[Path, str]) -> None:
    root = finished[0] / "smoke"
    for number in (1, 2):
        for stage in STAGES:
            assert (root / f"round-{number:03d}" / stage / "manifest.json").exists()
    assert (root / "final-002" / "evaluate" / "manifest.json").exists()


def test_the_user_sees_the_table_the_report_and_how_to_open_mlflow_and_prefect(finished: tuple[Path, str]) -> None:
    folder, output = finished
    for word in ("base", "bootstrap", "round-001", "round-002", "report.html", "mlflow", "prefect"):
        assert word in output, word
    page = (folder / "smoke" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "") and "<script src" not in page


def test_no_unlabelled_query_is_used_in_two_rounds(finished: tuple[Path, str]) -> None:
    root = finished[0] / "smoke"
    plans = [json.loads((root / f"round-{n:03d}" / "generate" / "plan.json").read_text()) for n in (1, 2)]
    assert not set(plans[0]["queries"]) & set(plans[1]["queries"])


def test_mlflow_shows_one_parent_run_with_a_child_for_each_round(finished: tuple[Path, str]) -> None:
    with sqlite3.connect(finished[0] / "mlflow.db") as database:
        runs = dict(database.execute("select run_uuid, status from runs"))
        children = {r for (r,) in database.execute("select run_uuid from tags where key = 'mlflow.parentRunId'")}
    assert len(children) == 3, "round 0, 1 and 2"
    assert len(runs) == 4 and set(runs.values()) == {"FINISHED"}


def test_the_same_command_again_does_nothing_and_says_so(finished: tuple[Path, str], tiny_model: Path) -> None:
    folder, _ = finished
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("manifest.json")}
    again = run(folder, tiny_model)
    assert again.returncode == 0 and "is complete" in again.stdout
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("manifest.json")}


def test_status_as_json_can_be_read_by_a_script(finished: tuple[Path, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "status", "smoke", "--json", "--folder", str(finished[0])],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and len(json.loads(done.stdout)["models"]) == 4


def test_nothing_of_ours_is_left_running_after_a_run(finished: tuple[Path, str]) -> None:
    assert wait_until_gone(finished[0]) == []
