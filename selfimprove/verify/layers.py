"""The layers that judge one attempt by itself. Each returns None (passed) or (status, reason codes).

    structure   the text parses                                   parser codes, truncated
    tool        every called name is offered                      unknown-tool
    arguments   the arguments fit the tool's JSON Schema          missing-argument, extra-argument, wrong-argument
    grounding   every value can be traced to the query            ungrounded (status unknown: not traced is not wrong)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from selfimprove.records import Attempt, Sample, canonical_json
from selfimprove.tools.grounding import ungrounded

Finding = tuple[Literal["rejected", "unknown"], tuple[str, ...]]
Layer = Callable[[Sample, Attempt], Finding | None]


def structure(sample: Sample, attempt: Attempt) -> Finding | None:
    return ("rejected", (attempt.problem or "empty",)) if attempt.answer is None else None


def tool(sample: Sample, attempt: Attempt) -> Finding | None:
    assert attempt.answer is not None
    offered = {t.name for t in sample.tools}
    unknown = [c.name for c in attempt.answer.calls if c.name not in offered]
    return ("rejected", ("unknown-tool",)) if unknown else None


def arguments(sample: Sample, attempt: Attempt) -> Finding | None:
    assert attempt.answer is not None
    by_name = {t.name: t for t in sample.tools}
    reasons: set[str] = set()
    for call in attempt.answer.calls:
        if call.name not in by_name:
            continue
        found = by_name[call.name]
        reasons |= {f"extra-argument:{n}"[:80] for n in call.arguments if n not in found.properties}
        validator = _validator(canonical_json(found.parameters))
        reasons |= {_code(error) for error in validator.iter_errors(call.arguments)}
    if attempt.answer.abstain == "missing":
        required = {n for t in sample.tools for n in t.required}
        if not attempt.answer.missing or not set(attempt.answer.missing) <= required:
            reasons.add("unknown-missing")
    return ("rejected", tuple(sorted(reasons))) if reasons else None


def grounding(sample: Sample, attempt: Attempt) -> Finding | None:
    assert attempt.answer is not None
    by_name = {t.name: t for t in sample.tools}
    found = [
        f"ungrounded:{name}"
        for call in attempt.answer.calls
        if call.name in by_name
        for name in ungrounded(call.arguments, by_name[call.name].parameters, sample.query)
    ]
    return ("unknown", tuple(sorted(set(found)))) if found else None


LAYERS: dict[str, Layer] = {"structure": structure, "tool": tool, "arguments": arguments, "grounding": grounding}


@lru_cache(maxsize=4096)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


def _code(error: ValidationError) -> str:
    path = ".".join(str(p) for p in error.absolute_path)
    if error.validator == "required":
        return "missing-argument"
    if error.validator == "additionalProperties":
        return "extra-argument"
    return f"wrong-argument:{path}"[:80]
