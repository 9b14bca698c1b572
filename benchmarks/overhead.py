"""Share of a finished run's round time that is spent outside engine and trainer (target: at most 10 %).

    python -m benchmarks.overhead [RUN] [FOLDER]

Reads a run's own records: the wall-clock time of a round, from when its configuration was frozen to when its decision
closed, and the seconds in which an engine or a trainer was alive, start-up included. For runs that were not interrupted.
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
    rounds = [p for p in sorted(root.glob("round-*")) if (p / "decide" / "manifest.json").exists()]
    if not rounds:
        print(f"overhead: {root} has no finished round; run `make demo` first", file=sys.stderr)
        sys.exit(2)
    inside = outside = 0.0
    for path in rounds:
        wall = (path / "decide" / "manifest.json").stat().st_mtime - (path / "config.yaml").stat().st_mtime
        owned = sum(child_seconds(path / stage) for stage in INSIDE)
        inside, outside = inside + owned, outside + wall - owned
    share = outside / (inside + outside)
    print(json.dumps({"rounds": len(rounds), "inside_seconds": round(inside, 1), "outside_seconds": round(outside, 1)}))
    print(f"outside engine and trainer: {share:.1%} of the round time of {root.name} (target: at most 10 %)")


def child_seconds(stage: Path) -> float:
    """Seconds in which the stage's children lived, as they were recorded when they ended."""
    files = stage.rglob("children.jsonl")
    return float(sum(json.loads(line)["seconds"] for file in files for line in file.open(encoding="utf-8")))


if __name__ == "__main__":
    main()
