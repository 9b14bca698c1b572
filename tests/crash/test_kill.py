"""`kill -9` of the whole process group inside each stage: the same command goes on, and nothing is done twice."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.flows.command import kill_group, run, start, wait_until_gone

pytestmark = pytest.mark.real
POINTS = (
    "round-000/evaluate-base", "round-000/train", "round-000/evaluate", "round-001/generate", "round-001/verify",
    "round-001/train", "round-001/evaluate", "round-001/decide", "final-001/evaluate",
)  # fmt: skip


def wait_for(path: Path, process: object, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline and process.poll() is None:  # type: ignore[attr-defined]
        time.sleep(0.02)
    assert path.exists(), f"{path} was not begun"


@pytest.mark.timeout(900)
def test_a_run_killed_inside_each_stage_goes_on_and_does_nothing_twice(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    finished: dict[Path, int] = {}
    for point in POINTS:
        process = start(folder, tiny_model, "run.rounds=1")
        wait_for(folder / "smoke" / point, process)
        # Long stages are killed in their middle, short ones where they happen to be.
        time.sleep(1.5 if point.endswith(("train", "generate")) else 0.1)
        kill_group(process)
        assert wait_until_gone(folder) == [], f"something outlived the kill in {point}"
        now = {p: p.stat().st_mtime_ns for p in (folder / "smoke").rglob("manifest.json")}
        assert all(now.get(p) == when for p, when in finished.items()), f"a finished stage ran again before {point}"
        finished = now
    done = run(folder, tiny_model, "run.rounds=1")
    assert done.returncode == 0, done.stderr[-2000:]
    check_nothing_twice(folder / "smoke")


def check_nothing_twice(root: Path) -> None:
    answers = [json.loads(line) for line in (root / "round-001/generate/attempts.jsonl").open()]
    keys = [(a["sample"], a["index"]) for a in answers]
    assert len(keys) == len(set(keys))
    history = json.loads((root / "champion.json").read_text())["history"]
    assert len(history) == len({h["name"] for h in history})
