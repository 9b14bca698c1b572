"""One row in, one verdict out: what `selfimprove verify` does with each line.

    verify_row({"id": "1", "tools": [...], "query": "Weather in Oslo?", "candidate": '{"name": "weather", "arguments": ...}'})
    == {"id": "1", "verdict": "accepted", "reasons": [], "layer": "", "calls": [{"name": "weather", "arguments": ...}]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from selfimprove.chat import parse
from selfimprove.records import AdmissibleCall, Attempt, Call, Sample, Tool
from selfimprove.tools.admissible import from_calls, match
from selfimprove.tools.canonical import Profile
from selfimprove.verify.layers import LAYERS

DEFAULT_LAYERS = ("structure", "tool", "arguments", "grounding")


def verify_row(row: dict[str, Any], *, layers: Sequence[str] | None = None, profile: Profile = "training") -> dict[str, Any]:
    """The verdict over one candidate: `id`, `verdict`, `reasons`, `layer`, `calls`. Bad rows are `unknown` with `bad-row`."""
    try:
        tools = tuple(Tool.model_validate(t) for t in row["tools"])
        parsed = parse(row["candidate"])
        messages = row.get("messages") or [{"content": row["query"]}]
        text = "\n".join(str(m.get("content") or "") for m in messages) or " "
        references, literal = None, False
        if row.get("admissible") is not None:
            references = [[AdmissibleCall.model_validate(c) for c in one] for one in row["admissible"]]
        elif row.get("reference_calls") is not None:
            references, literal = [from_calls([Call.model_validate(c) for c in row["reference_calls"]], profile)], True
    except (KeyError, TypeError, AttributeError, ValidationError):
        id_ = row.get("id") if isinstance(row, dict) else None
        return {"id": id_, "verdict": "unknown", "reasons": ["bad-row"], "layer": "", "calls": []}
    sample = Sample(id="row", query=text, tools=tools)
    attempt = Attempt(sample="row", index=0, text=row["candidate"], answer=parsed.answer, problem=parsed.problem)
    calls = parsed.answer.calls if parsed.answer else ()
    out = {"id": row.get("id"), "calls": [c.model_dump(mode="json") for c in calls]}
    differs = match(calls, references, tools, profile, literal=literal) if references and parsed.answer else None
    if references and parsed.answer and differs is None:
        return {**out, "verdict": "accepted", "reasons": [], "layer": ""}
    for name in layers or DEFAULT_LAYERS:
        if name in LAYERS and (parsed.answer or name == "structure"):
            finding = LAYERS[name](sample, attempt)
            if finding and (finding[0] == "rejected" or not references):
                return {**out, "verdict": finding[0], "reasons": list(finding[1]), "layer": name}
    if differs:
        return {**out, "verdict": "rejected", "reasons": [differs.reason], "layer": "reference"}
    if not calls:
        return {**out, "verdict": "unknown", "reasons": ["prose"], "layer": "structure"}
    return {**out, "verdict": "accepted", "reasons": [], "layer": ""}
