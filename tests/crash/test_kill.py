"""`kill -9` of the whole process group inside each stage: the same command goes on, and nothing is done twice."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.flows.command import kill_group, run, start, wait_until_gone

pytestmark = pytest.mark.real
POINTS = (
    "round-000/evaluate-base/completions/*.jsonl", "round-000/select", "round-000/train/spec.json",
    "round-000/evaluate/completions/*.jsonl", "round-000/decide", "report.html",
    "round-001/selftest", "round-001/generate/completions/*.jsonl", "round-001/verify", "round-001/select",
    "round-001/train/train.jsonl", "round-001/evaluate/completions/*.jsonl", "round-001/decide",
    "final-001/evaluate/*/completions/*.jsonl",
)  # fmt: skip
"""ROUND/STAGE and what shows that the stage is in its middle: its folder, for a stage that takes no time; the report is
what publishing writes first."""
Rows = dict[Path, list[dict[str, Any]]]


def wait_for(path: Path, process: object, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline and process.poll() is None:  # type: ignore[attr-defined]
        time.sleep(0.02)
    assert path.exists(), f"{path} was not begun"


@pytest.mark.timeout(900)
def test_a_run_killed_inside_each_stage_goes_on_and_does_nothing_twice(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    root = folder / "smoke"
    finished: dict[Path, int] = {}
    made: Rows = {}
    for point in POINTS:
        if closed(root, point):
            continue  # an earlier kill came when this short stage was over already
        seen = traces(root, point)
        process = start(folder, tiny_model, "run.rounds=1")
        wait_until_inside(root, point, seen, process)
        if process.poll() is None:
            kill_group(process)
        assert process.returncode in (0, -9), f"it ended by itself before {point}"
        assert wait_until_gone(folder) == [], f"something outlived the kill in {point}"
        check_nothing_twice(root, finished, made, point)
        finished, made = manifests(root), mark(root)
    done = run(folder, tiny_model, "run.rounds=1")
    assert done.returncode == 0, done.stderr[-2000:]
    check_nothing_twice(root, finished, made, "the end")
    # A start may find rows of a request that a kill cut in two, and takes them out; at the end no file has any row twice.
    for file, rows in whole_rows(root).items():
        twice = [key for key, n in Counter((row["key"], row["index"]) for row in rows).items() if n > 1]
        assert twice == [], f"{file} holds answers twice"
    attempts = [json.loads(line) for line in (root / "round-001/generate/attempts.jsonl").open(encoding="utf-8")]
    assert len(attempts) == len({(a["sample"], a["index"]) for a in attempts})
    with contextlib.closing(sqlite3.connect(folder / "mlflow.db")) as tracked:
        names = [name for (name,) in tracked.execute("select name from runs")]
    assert sorted(names) == sorted(set(names)) and len(names) == 3, f"MLflow has {names}"
    history = json.loads((root / "champion.json").read_text(encoding="utf-8"))["history"]
    assert len(history) == len({h["name"] for h in history})
    check_control(folder, tiny_model)


def check_control(folder: Path, model: Path) -> None:
    """A control killed in its training is made by the same command, and the run beside it stays as it was."""
    root = folder / "smoke"
    before = manifests(root)
    process = start(folder, model, word="control")
    wait_until_inside(root, "control-001/train/spec.json", {}, process)
    kill_group(process)
    assert wait_until_gone(folder) == [], "something outlived the kill of the control"
    done = run(folder, model, word="control")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "minus control-001" in done.stdout + done.stderr
    assert {path: now for path, now in manifests(root).items() if path in before} == before


def closed(root: Path, point: str) -> bool:
    return root.joinpath(*point.split("/")[:2], "manifest.json").exists()


def traces(root: Path, point: str) -> dict[Path, int]:
    """What is there of a point, with the time of its last change: a start may find what an earlier one left."""
    found = {}
    for path in root.glob(point):
        with contextlib.suppress(FileNotFoundError):
            now = path.stat()
            if now.st_size or path.is_dir():
                found[path] = now.st_mtime_ns
    return found


def wait_until_inside(
    root: Path, point: str, before: dict[Path, int], process: subprocess.Popen[bytes], seconds: float = 200
) -> None:
    """Until this start works inside the stage, or is past it."""
    deadline = time.monotonic() + seconds
    while traces(root, point) == before and not closed(root, point) and process.poll() is None:
        assert time.monotonic() < deadline, f"{point} was not begun"
        time.sleep(0.01)
    if point.endswith("spec.json"):
        time.sleep(1.5)  # the launcher is up by then, and its ranks load


def manifests(root: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in root.rglob("manifest.json")}


def whole_rows(root: Path) -> Rows:
    """The rows of every stream of completions. A torn last line, and what belongs to its request, is owed again."""
    found: Rows = {}
    for file in sorted(root.rglob("completions/*.jsonl")):
        lines = file.read_bytes().split(b"\n")
        rows = [json.loads(line) for line in lines[:-1]]
        found[file] = [row for row in rows if not lines[-1] or row["key"] != rows[-1]["key"]]
    return found


def mark(root: Path) -> Rows:
    """All whole rows, those of unfinished stages first marked on disk: an answer made again would come without its mark.

    The mark is a mean log-probability that no model gives; it keeps the order of the rows, by which requests are chosen.
    """
    for file in root.rglob("completions/*.jsonl"):
        if not any((above / "manifest.json").exists() for above in list(file.parents)[:3]):
            *lines, torn = file.read_bytes().split(b"\n")
            file.write_bytes(b"\n".join([*map(marked, lines), torn]))
    return whole_rows(root)


def marked(line: bytes) -> bytes:
    row = json.loads(line)
    if row["logprob"] is not None and row["logprob"] > -500:
        row["logprob"] -= 1000
    return json.dumps(row, ensure_ascii=False).encode()


def check_nothing_twice(root: Path, finished: dict[Path, int], made: Rows, where: str) -> None:
    """Stages that were finished are as they were, and answers that were there are still there, each in its file."""
    now = manifests(root)
    assert [p for p, when in finished.items() if now.get(p) != when] == [], f"a finished stage ran again before {where}"
    rows = whole_rows(root)
    for file, earlier in made.items():
        lost = [row for row in earlier if row not in rows.get(file, [])]
        assert lost == [], f"{file}: answers were made again before {where}"
