"""Share of a finished run's round time that is spent outside engine and trainer (target: at most 10 %).

    python -m benchmarks.overhead [RUN] [FOLDER]

Reads a run's own records: the wall-clock time of a round, from when its configuration was frozen to when that of the next
round (or of the test suite) was, and the seconds in which an engine or a trainer was alive, their start-up included.

Counted as outside: verification, selection, the decision, publishing (report and MLflow), Prefect's bookkeeping of flows and
tasks, and what a stage does around its child. Not counted at all, since it comes before round 0 or after the last round:
the start of Python and of Prefect's server, checking and converting the model, and the test suite. Holds for a run that
was not interrupted, with one engine worker and one trainer at a time (workers side by side would count twice).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

INSIDE = ("generate", "train", "evaluate", "evaluate-base")
"""Stages that own an engine or a trainer."""


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "demo"
    root = Path(sys.argv[2] if len(sys.argv) > 2 else "runs") / name
    rounds = {p: end for p in sorted(root.glob("round-*")) if (end := ended(p)) is not None}
    if not rounds:
        print(f"overhead: {root} has no finished round; run `make demo` first", file=sys.stderr)
        sys.exit(2)
    inside = outside = 0.0
    for path, end in rounds.items():
        wall = end - (path / "config.yaml").stat().st_mtime
        owned = sum(child_seconds(path / stage) for stage in INSIDE)
        inside, outside = inside + owned, outside + wall - owned
    share = outside / (inside + outside)
    print(json.dumps({"rounds": len(rounds), "inside_seconds": round(inside, 1), "outside_seconds": round(outside, 1)}))
    print(f"outside engine and trainer: {share:.1%} of the round time of {root.name} (target: at most 10 %)")


def ended(path: Path) -> float | None:
    """When a round was over, publishing included: what follows it was begun at once. None for one that nothing follows."""
    number = int(path.name.removeprefix("round-"))
    # A later start adds its rounds after the test suite of this one, perhaps days later.
    for name in (f"final-{number:03d}", f"round-{number + 1:03d}"):
        following = path.parent / name / "config.yaml"
        if following.exists():
            return following.stat().st_mtime
    return None


def child_seconds(stage: Path) -> float:
    """Seconds in which the stage's children lived, as they were recorded when they ended."""
    files = stage.rglob("children.jsonl")
    return float(sum(json.loads(line)["seconds"] for file in files for line in file.open(encoding="utf-8")))


if __name__ == "__main__":
    main()
