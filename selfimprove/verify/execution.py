"""Execution: a tool that can run is run in the sandbox; it must succeed, and its result must fit its declared output. A veto.

Tools without a module pass. Off unless asked for: it starts an interpreter for each answer.
"""

from __future__ import annotations

from selfimprove.sandbox import run_calls
from selfimprove.tools.validation import Uncheckable, checker_of
from selfimprove.verify.case import Case, Finding


def execution(case: Case) -> Finding | None:
    runnable = [c for c in (case.answer.calls if case.answer else ()) if c.name in case.modules]
    if not runnable:
        return None
    files = list(dict.fromkeys(case.modules[c.name] for c in runnable))
    results = run_calls(files, [{"name": c.name, "arguments": c.arguments} for c in runnable])
    wrong: set[str] = set()
    for call, result in zip(runnable, results, strict=True):
        if not result.ok:
            wrong.add(f"call-failed:{call.name}"[:80])
        elif call.name in case.outputs:
            wrong |= {f"wrong-output:{call.name}"[:80]} if not _fits(result.value, case.outputs[call.name]) else set()
    return ("rejected", tuple(sorted(wrong))) if wrong else None


def _fits(value: object, schema: object) -> bool:
    """A result is any JSON value: it is checked as the one property of an object. An output that cannot be checked passes."""
    try:
        checker = checker_of({"type": "object", "properties": {"result": schema}, "additionalProperties": True})
        return not [p for p in checker.errors({"result": value}) if p.code != "extra-argument"]
    except Uncheckable:
        return True
