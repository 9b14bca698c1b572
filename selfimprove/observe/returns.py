"""What a round's gain cost: points for each device-hour and for each 1,000 generated tokens.

    found = read_return(layout.round(1), decision)
    found.per_device_hour            # 8.5 points in 0.05 hours: 170

After "Agentic ROI" (arXiv 2505.17767): information gained, divided by what it costs. A device is a GPU, or the whole machine
where there is none; it counts while a child that owns a model lives, its start-up included.
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.observe.figures import Return
from selfimprove.observe.read import number, stream
from selfimprove.records import Decision
from selfimprove.store.layout import read_json
from selfimprove.store.stage import read_manifest

STAGES = ("generate", "train", "evaluate")
"""Stages whose children own a model."""
GENERATING = ("generate", "evaluate")


def read_return(folder: Path, decision: Decision) -> Return | None:
    """None for a round without a contest, and for one whose children or tokens were not recorded."""
    if not decision.n:
        return None
    seconds = sum(_device_seconds(folder / stage) for stage in STAGES)
    tokens = sum(number(_counts(folder / stage).get("generated_tokens")) or 0.0 for stage in GENERATING)
    if not seconds or not tokens:
        return None
    hours, points = seconds / 3600, decision.gain * 100
    return Return(
        round=decision.round, gain=decision.gain, device_hours=hours, generated_tokens=int(tokens),
        per_device_hour=points / hours, per_1000_tokens=points / (tokens / 1000),
    )  # fmt: skip


def _device_seconds(stage: Path) -> float:
    return sum(
        (number(row.get("seconds")) or 0.0) * _devices(file.parent, str(row.get("log")))
        for file in stage.rglob("children.jsonl")
        for row in stream(file)
    )


def _devices(folder: Path, log: str) -> float:
    """GPUs that a child held; without a GPU its share of the machine."""
    if log.startswith("engine-"):
        spec = read_json(folder / Path(log).with_suffix(".json").name) or {}
        return float(spec.get("tensor_parallel", 1)) if spec.get("device") == "cuda" else 1 / _workers(folder)
    config = (read_json(folder / "spec.json") or {}).get("config") or {}
    engines = [read_json(f) or {} for f in (folder.parent / "generate" / "log").glob("engine-*.json")]
    # A trainer does not record its device; the engine of the same round does.
    return float(config.get("processes", 1)) if any(e.get("device") == "cuda" for e in engines) else 1.0


def _workers(folder: Path) -> int:
    return max(1, len(list(folder.glob("engine-*.json"))))


def _counts(stage: Path) -> dict[str, object]:
    counts = (read_manifest(stage) or {}).get("counts")
    return counts if isinstance(counts, dict) else {}
