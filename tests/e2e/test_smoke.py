"""Two whole rounds on a tiny random model, as a user starts them: what would be lost if the loop did not close."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from tests.flows.command import ROOT, environment, run, wait_until_gone

pytestmark = pytest.mark.real
STAGES = ("selftest", "generate", "verify", "select", "train", "evaluate", "decide")
QUERIES = 6
"""As many as the two rounds of configs/smoke.yaml use: a third one has only what was added since."""


@pytest.fixture(scope="module")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("smoke") / "runs"
    seeds = (ROOT / "configs/seeds/queries.jsonl").read_text(encoding="utf-8").split("\n")
    queries_of(folder).write_text("\n".join(seeds[:QUERIES]) + "\n", encoding="utf-8")
    done = run(folder, tiny_model, f"data.queries={queries_of(folder)}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder, done.stdout


def queries_of(folder: Path) -> Path:
    """A user's own file of unlabelled queries, which grows between two starts."""
    return folder.parent / "queries.jsonl"


def plan(root: Path, number: int) -> list[str]:
    """Ids of the unlabelled queries that a round used."""
    found = json.loads((root / f"round-{number:03d}" / "generate" / "plan.json").read_text(encoding="utf-8"))
    return list(found["queries"])


def closed(folder: Path) -> dict[Path, int]:
    """When each finished stage of the run was closed."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("manifest.json")}


def compared(final: Path) -> set[tuple[str, str]]:
    return {(c["a"], c["b"]) for c in json.loads((final / "comparison.json").read_text(encoding="utf-8"))}


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
    assert plan(root, 1) and plan(root, 2) and not set(plan(root, 1)) & set(plan(root, 2))


def test_mlflow_shows_one_parent_run_with_a_child_for_each_round(finished: tuple[Path, str]) -> None:
    with sqlite3.connect(finished[0] / "mlflow.db") as database:
        runs = dict(database.execute("select run_uuid, status from runs"))
        children = {r for (r,) in database.execute("select run_uuid from tags where key = 'mlflow.parentRunId'")}
    assert len(children) == 3, "round 0, 1 and 2"
    assert len(runs) == 4 and set(runs.values()) == {"FINISHED"}


def test_the_same_command_again_does_nothing_and_says_so(finished: tuple[Path, str], tiny_model: Path) -> None:
    folder, _ = finished
    before = closed(folder)
    again = run(folder, tiny_model, f"data.queries={queries_of(folder)}")
    assert again.returncode == 0 and "is complete" in again.stderr
    assert before == closed(folder)


def test_status_as_json_can_be_read_by_a_script(finished: tuple[Path, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "status", "smoke", "--json", "--folder", str(finished[0])],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and len(json.loads(done.stdout)["models"]) == 4


def test_nothing_of_ours_is_left_running_after_a_run(finished: tuple[Path, str]) -> None:
    assert wait_until_gone(finished[0]) == []


# The tests below add to the run, so they come last and in this order.


def test_control_is_compared_with_what_the_rounds_made(finished: tuple[Path, str], tiny_model: Path) -> None:
    folder, root = finished[0], finished[0] / "smoke"
    before = closed(folder)
    done = run(folder, tiny_model, f"data.queries={queries_of(folder)}", word="control")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    champion = json.loads((root / "champion.json").read_text(encoding="utf-8"))["current"]["name"]
    # Where no round was adopted, the last challenger stands for what the rounds made.
    candidate = "round-002" if champion == "bootstrap" else champion
    assert (candidate, "control-002") in compared(root / "control-002")
    assert f"{candidate} minus control-002" in done.stdout + done.stderr
    assert {p: when for p, when in closed(folder).items() if p in before} == before
    assert wait_until_gone(folder) == []


def test_more_rounds_start_from_the_champion_with_queries_that_were_added_since(
    finished: tuple[Path, str], tiny_model: Path
) -> None:
    folder, root = finished[0], finished[0] / "smoke"
    before, champion = closed(folder), json.loads((root / "champion.json").read_text(encoding="utf-8"))["current"]
    with queries_of(folder).open("a", encoding="utf-8") as file:
        for minutes in range(20, 25):
            file.write(json.dumps({"query": f"Wake me {minutes} minutes before the ferry to Hven leaves."}) + "\n")
    done = run(folder, tiny_model, f"data.queries={queries_of(folder)}", "--more", "run.rounds=1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for stage in STAGES:
        assert (root / "round-003" / stage / "manifest.json").exists(), stage
    assert not (root / "round-004").exists()
    assert len(plan(root, 3)) == 3 and not set(plan(root, 3)) & {*plan(root, 1), *plan(root, 2)}
    assert json.loads((root / "round-003" / "start.json").read_text(encoding="utf-8")) == champion
    assert (root / "final-003" / "evaluate" / "manifest.json").exists()
    models = {p.parent.name for p in (root / "final-003" / "evaluate").glob("*/test.results.json")}
    assert {"base", "bootstrap", "round-003"} <= models
    assert {frozenset(pair) for pair in compared(root / "final-003")} == set(map(frozenset, combinations(models, 2)))
    assert {p: when for p, when in closed(folder).items() if p in before} == before
    assert wait_until_gone(folder) == []
