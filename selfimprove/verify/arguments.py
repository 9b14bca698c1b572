"""Arguments: they fit the tool's JSON Schema, and each is one that the tool has. A veto.

Arguments that cannot be checked (a schema that is none, a pattern that takes for ever) are unknown, and so are properties
that an object inside does not name and does not refuse.
"""

from __future__ import annotations

from selfimprove.tools.validation import Uncheckable
from selfimprove.verify.case import Case, Finding


def arguments(case: Case) -> Finding | None:
    wrong: set[str] = set()
    unclear: set[str] = set()
    for call in case.answer.calls if case.answer else ():
        if call.name not in case.tools.definitions:
            wrong.add("unknown-tool")
            continue
        try:
            for problem in case.tools.checker(call.name).errors(call.arguments):
                found = wrong if problem.sure else unclear
                found.add(f"{problem.code}:{problem.path}"[:80] if problem.path else problem.code)
        except Uncheckable as reason:
            unclear.add(str(reason))
    if case.answer and case.answer.abstain == "missing":
        required = {name for tool in case.tools.values() for name in tool.required}
        if not case.answer.missing or not set(case.answer.missing) <= required:
            wrong.add("unknown-missing")
    if wrong:
        return "rejected", tuple(sorted(wrong))
    return ("unknown", tuple(sorted(unclear))) if unclear else None
