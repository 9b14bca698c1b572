"""The verdicts of a finished run made again from its stored attempts, with other layers and no model: what would have changed.

    for round_ in reverify(Layout.of("runs", "demo"), layers=("structure", "tool", "arguments")):
        round_.before, round_.after, round_.changes

Nothing of the run is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from selfimprove.config.model import Verify
from selfimprove.errors import StoreError
from selfimprove.records import Attempt, Judged, Sample
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout
from selfimprove.store.round import open_round
from selfimprove.store.stage import read_manifest
from selfimprove.tools.canonical import key
from selfimprove.verify.judge_sample import judge_sample
from selfimprove.verify.judging import stored as stored_judgements
from selfimprove.verify.stage import runnable_of


@dataclass(frozen=True)
class Change:
    """One problem whose verdict, reasons aside, would be another."""

    sample: str
    before: str
    after: str
    layer: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Again:
    """One round: counts of verdicts as they were and as they would be, and the problems that differ."""

    round: int
    before: Counter[str]
    after: Counter[str]
    changes: tuple[Change, ...]


def reverify(layout: Layout, layers: Sequence[str] | None = None) -> list[Again]:
    """Every round with finished verdicts, in order. Raises StoreError for a run without one, DataError for a damaged file."""
    rounds = [n for n in layout.rounds() if read_manifest(layout.round(n) / "verify")]
    if not rounds:
        raise StoreError(f"{layout.root}: has no finished verdicts yet; run it first")
    return [_round(layout, number, layers) for number in rounds]


def _round(layout: Layout, number: int, layers: Sequence[str] | None) -> Again:
    frozen = open_round(layout, number).config
    if layers is not None and "judge" in layers and "judge" not in frozen.verify.layers:
        raise StoreError(f"{layout.round(number)}: no judge was asked in it; leave out the layer judge")
    if layers is not None:
        verify = Verify.model_validate({**frozen.verify.model_dump(), "layers": tuple(layers)})
        frozen = frozen.model_copy(update={"verify": verify})
    runnable = runnable_of(frozen)
    folder = layout.round(number)
    attempts: dict[str, list[Attempt]] = {}
    for attempt in jsonl.read(folder / "generate" / "attempts.jsonl", Attempt, empty=True):
        attempts.setdefault(attempt.sample, []).append(attempt)
    stored = {j.sample: j for j in jsonl.read(folder / "verify" / "judged.jsonl", Judged, empty=True)}
    said = stored_judgements(folder / "verify") if "judge" in frozen.verify.layers else {}
    before, after, changes = Counter[str](), Counter[str](), []
    for sample in jsonl.read(folder / "generate" / "problems.jsonl", Sample, empty=True):
        old = stored.get(sample.id)
        new, _ = judge_sample(sample, attempts.get(sample.id, []), frozen.verify, runnable, said)
        if old is None:
            continue
        before[old.verdict.status] += 1
        after[new.verdict.status] += 1
        if _outcome(old, sample) != _outcome(new, sample):
            verdict = new.verdict
            changes.append(Change(sample.id, _shown(old), _shown(new), verdict.layer, verdict.reasons))
    return Again(number, before, after, tuple(changes))


def _outcome(judged: Judged, sample: Sample) -> tuple[str, str, int]:
    return judged.verdict.status, key(judged.answer, sample.tools) if judged.answer else "", judged.correct


def _shown(judged: Judged) -> str:
    return f"{judged.verdict.status} {judged.correct}/{judged.k}"


def render(rounds: Sequence[Again], most: int = 20) -> str:
    lines = []
    for one in rounds:
        said = ", ".join(f"{s} {one.before[s]} -> {one.after[s]}" for s in ("accepted", "rejected", "unknown"))
        lines.append(f"round {one.round}: {said}; {len(one.changes)} of {sum(one.after.values())} verdicts differ")
        for change in one.changes[:most]:
            why = f" ({change.layer}: {', '.join(change.reasons)})" if change.reasons else ""
            lines.append(f"  {change.sample}: {change.before} -> {change.after}{why}")
        if len(one.changes) > most:
            lines.append(f"  ... and {len(one.changes) - most} more")
    return "\n".join(lines)
