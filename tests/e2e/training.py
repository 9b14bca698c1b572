"""A small training for the tests of the trainer: 19 rows of unlike lengths, two subtasks, and one that is too long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selfimprove.config.model import Train

FULL = Train(batch=8, micro_batch=8, epochs=2.0, warmup=0.0)
ARGUMENTS: dict[str, Any] = {"max_tokens": 120, "learning_rate": 3e-3, "seed": 3, "metadata": {"round": 0}}


def row(name: str, query: str, target: str, subtask: str = "use") -> dict[str, Any]:
    return {"id": name, "subtask": subtask, "messages": [{"role": "user", "content": query}], "target": target}


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def nineteen(path: Path) -> Path:
    made = [
        row(f"r{i}", f"set a timer {'seven ' * (i % 5)}", f'[{{"minutes": {i % 4}}}]', "use" if i % 3 else "make")
        for i in range(19)
    ]
    return write_rows(path, *made, row("long", "very " * 200, "[]"))


def steps(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]


def losses(out: Path) -> list[float]:
    return [step["loss"] for step in steps(out)]


def processes(word: str) -> list[int]:
    """Living processes whose command line names `word`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
