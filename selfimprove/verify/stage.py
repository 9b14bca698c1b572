"""The stage: stored attempts -> verdicts, with no model loaded. Writes judged.jsonl and checked.jsonl."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from selfimprove.config import Config
from selfimprove.events import Progress, emit
from selfimprove.records import Attempt, Checked, Judged, Sample, StageRef, Tool
from selfimprove.store import jsonl
from selfimprove.store.round import Round
from selfimprove.tools.data import load_data
from selfimprove.verify.judge_sample import judge_sample


def run(round_: Round, generated: StageRef) -> StageRef:
    config = round_.config.verify
    with round_.stage("verify", {"generate": generated.digest, "verify": config.model_dump(mode="json")}) as stage:
        if stage.finished:
            return stage.finished
        attempts: dict[str, list[Attempt]] = {}
        for attempt in jsonl.read(generated.path / "attempts.jsonl", Attempt, empty=True):
            attempts.setdefault(attempt.sample, []).append(attempt)
        samples = jsonl.read(generated.path / "problems.jsonl", Sample, empty=True)
        judged, checked = [], []
        runnable = runnable_of(round_.config)
        for done, sample in enumerate(samples, 1):
            one, each = judge_sample(sample, attempts.get(sample.id, []), config, runnable)
            judged.append(one)
            checked.extend(each)
            emit(Progress("verify", "problems", done, len(samples)))
        jsonl.write(stage.path / "judged.jsonl", judged)
        jsonl.write(stage.path / "checked.jsonl", checked)
        return stage.close(_counts(judged, checked))


def runnable_of(config: Config) -> dict[str, tuple[Tool, Path]]:
    """The pool's tools that have a module, where the layer execution is on."""
    if "execution" not in config.verify.layers:
        return {}
    data = load_data(config.data)
    return {name: (e.tool, data.modules / e.module) for name, e in data.pool.entries.items() if e.module}


def _counts(judged: list[Judged], checked: list[Checked]) -> dict[str, float]:
    fresh = [j for j in judged if j.source != "oracle"]
    oracle = [j for j in judged if j.source == "oracle"]
    counts: dict[str, float] = {"judged": len(judged)}
    for status in ("accepted", "rejected", "unknown"):
        counts[status] = sum(j.verdict.status == status for j in fresh)
    counts["oracle"] = len(oracle)
    counts["oracle_accepted"] = sum(j.verdict.status == "accepted" for j in oracle)
    counts["oracle_right"] = sum(bool(j.right) for j in oracle)
    layers = Counter(c.layer for c in checked if c.status != "accepted")
    counts |= {f"stopped_by_{name}": n for name, n in sorted(layers.items())}
    counts["attempts_correct"] = sum(bool(c.correct) for c in checked if c.index >= 0)
    counts["attempts_with_gold"] = sum(c.correct is not None for c in checked if c.index >= 0)
    return counts
