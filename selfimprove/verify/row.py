"""One row in, one verdict out: what `selfimprove verify` does with each line, and what others judge answers with.

    verify_row({"id": "1", "tools": [...], "query": "Weather in Oslo?", "candidate": '{"name": "weather", "arguments": ...}'})
    == {"id": "1", "verdict": "accepted", "reasons": [], "layer": "", "calls": [{"name": "weather", "arguments": ...}]}

With `reference_calls` or `admissible` a candidate is accepted or rejected; without, `accepted` means that every enabled layer
passed, and what no layer can tell is `unknown`. The format of rows: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfimprove.records import Call
from selfimprove.tools.admissible import Mismatch, match
from selfimprove.tools.canonical import Profile, is_same
from selfimprove.verify.layers import NEVER_VETO, RULES, Counts, judge
from selfimprove.verify.nothing import says_nothing
from selfimprove.verify.reading import BadRow, Right, RowCase, read_row

Verdict = tuple[str, str, tuple[str, ...]]
"""accepted, rejected or unknown; the layer that decided; the reason codes."""


def verify_row(
    row: Any,
    *,
    layers: Sequence[str] | None = None,
    profile: Profile = "training",
    counts: Counts | None = None,
    modules: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """`id`, `verdict`, `reasons`, `layer`, `calls`. A row that cannot be read is `unknown` with the reason `bad-row` and a
    `message`; nothing that a row holds raises. `modules` are the files that run tools, for the layer execution."""
    try:
        read = read_row(row, profile, modules)
        status, layer, reasons = decide(read, RULES if layers is None else layers, profile, counts)
    except BadRow as problem:
        return bad_row(row, str(problem))
    except (RecursionError, OverflowError, MemoryError):
        return bad_row(row, "the row is nested too deeply or too large")
    calls = read.case.answer.calls if read.case.answer else ()
    return {
        "id": read.id, "verdict": status, "reasons": list(reasons), "layer": layer,
        "calls": [{"name": c.name, "arguments": c.arguments} for c in calls],
    }  # fmt: skip


def bad_row(row: Any, message: str) -> dict[str, Any]:
    id_ = row.get("id") if isinstance(row, dict) else None
    known = id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else None
    return {"id": known, "verdict": "unknown", "reasons": ["bad-row"], "layer": "", "calls": [], "message": message}


def decide(row: RowCase, layers: Sequence[str], profile: Profile, counts: Counts | None = None) -> Verdict:
    """The references first, where there are any: they decide, and the layers say why."""
    if not row.rights:
        return judge(row.case, layers, counts)
    differs: Mismatch | None = None
    answer = row.case.answer
    if answer is not None:
        tools = [row.case.tools[n] for n in {c.name for c in answer.calls} if n in row.case.tools.definitions]
        for right in row.rights:
            differs = match(answer.calls, right.answers, tools, profile, literal=right.literal)
            if differs is None:
                return _right(row, right, layers, profile, counts)
    # What never vetoes has nothing to add to a reference.
    status, layer, reasons = judge(row.case, [name for name in layers if name not in NEVER_VETO], counts)
    if status == "rejected":
        return status, layer, reasons
    return "rejected", "reference", (differs.reason if differs else row.case.problem or "empty",)


def _right(row: RowCase, right: Right, layers: Sequence[str], profile: Profile, counts: Counts | None) -> Verdict:
    """An answer whose values are right. Equality forgives what a tool does not (spaces around an allowed value), so a value
    that is not exactly a right one must still pass the schema."""
    calls = row.case.answer.calls if row.case.answer else ()
    if not calls and says_nothing(row.said, row.case.request):
        return "rejected", "structure", ("empty",)
    if profile == "bfcl-like" or all(_is_exact(call, right) for call in calls):
        return "accepted", "", ()
    status, layer, reasons = judge(row.case, [n for n in layers if n in ("sanitise", "arguments")], counts)
    return (status, layer, reasons) if status == "rejected" else ("accepted", "", ())


def _is_exact(call: Call, right: Right) -> bool:
    """Whether every value stands in a right call of that name as it is."""
    return any(
        one.name == call.name
        and all(n in one.arguments and any(is_same(v, r) for r in one.arguments[n].values) for n, v in call.arguments.items())
        for answer in right.answers
        for one in answer
    )
