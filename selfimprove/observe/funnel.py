"""What became of the problems of a round: made, parsed, accepted, trained; why not; and the verifier's own test.

    read_funnel(layout.round(1), 1).reasons        # {"grounding.value": 12, ...}

Counts come from the stages' manifests; a stage that is still at work is counted from its files.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from selfimprove.observe.figures import Funnel, Oracle, Texts
from selfimprove.observe.read import number, rows, stream
from selfimprove.store.layout import read_json
from selfimprove.store.stage import read_manifest

STATUSES = ("accepted", "rejected", "unknown")
REPLAYED = ("seed", "replay", "mastered")
"""How origins begin of rows that a round trains again, or that its champion could answer already."""


def read_funnel(folder: Path, round_: int) -> Funnel:
    generate, verify = folder / "generate", folder / "verify"
    attempts = _attempts(generate / "attempts.jsonl")
    statuses, reasons = _verdicts(verify / "judged.jsonl")
    origins, kinds = _selected(folder / "select" / "rows.jsonl")
    begun = generate.is_dir()
    judged = _counts(verify)
    made = _counts(generate).get("problems", _lines(generate / "problems.jsonl"))
    outcome = {status: _whole(judged.get(status, statuses[status])) for status in STATUSES} if verify.is_dir() else {}
    return Funnel(
        round=round_,
        made=_whole(made) if begun else None,
        parsed=len(attempts["parsed"]) if begun else None,
        **outcome,
        selected=origins.total() if origins else None,
        trained=_whole(_counts(folder / "train").get("rows")),
        fresh=sum(n for origin, n in origins.items() if not origin.startswith(REPLAYED)) if origins else None,
        replay=sum(n for origin, n in origins.items() if origin.startswith(REPLAYED)) if origins else None,
        texts=tuple(_texts(generate, attempts)) if begun else (),
        reasons=dict(reasons.most_common()),
        kinds=dict(kinds.most_common()),
        bands=read_json(folder / "select" / "bands.json") or {},
    )


def read_oracle(folder: Path, round_: int) -> Oracle | None:
    """Precision and recall of acceptance; None when no oracle problem was judged."""
    counts = _counts(folder / "verify")
    problems = _whole(counts.get("oracle"))
    if not problems:
        return None
    accepted, right = _whole(counts.get("oracle_accepted")) or 0, _whole(counts.get("oracle_right")) or 0
    precision = right / accepted if accepted else None
    return Oracle(
        round=round_, problems=problems, accepted=accepted, right=right, precision=precision, recall=right / problems
    )


def _attempts(path: Path) -> dict[str, Any]:
    """Answers made, answers parsed, and the problems with at least one parsed answer. Streamed: it may be long."""
    made = parsed = 0
    problems = set()
    for row in stream(path):
        made += 1
        if row.get("answer") is not None:
            parsed += 1
            problems.add(row.get("sample"))
    return {"made": made, "answers": parsed, "parsed": problems}


def _verdicts(path: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each status and, among problems not accepted, each reason code occurs."""
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for row in stream(path):
        if row.get("source") == "oracle":
            continue  # measured, never trained: not part of the funnel's end
        verdict = row.get("verdict") or {}
        statuses[str(verdict.get("status"))] += 1
        if verdict.get("status") != "accepted":
            reasons.update({str(reason) for reason in verdict.get("reasons") or ()})
    return statuses, reasons


def _selected(path: Path) -> tuple[Counter[str], Counter[str]]:
    origins: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for row in stream(path):
        origins[str(row.get("origin") or "unnamed")] += 1
        kinds[str(row.get("kind") or row.get("subtask"))] += 1
    return origins, kinds


def _texts(generate: Path, attempts: dict[str, Any]) -> list[Texts]:
    proposals = rows(generate / "proposals.jsonl")
    found = []
    for subtask, what in (("make", "tool lists"), ("request", "requests")):
        problems = [row.get("problem") for row in proposals if row.get("subtask") == subtask]
        found.append(Texts(what=what, made=len(problems), parsed=sum(problem is None for problem in problems)))
    return [*found, Texts(what="answers", made=attempts["made"], parsed=attempts["answers"])]


def _counts(stage: Path) -> dict[str, Any]:
    counts = (read_manifest(stage) or {}).get("counts")
    return counts if isinstance(counts, dict) else {}


def _lines(path: Path) -> int:
    return sum(1 for _ in stream(path))


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)
