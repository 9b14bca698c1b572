"""Tool: every called tool was offered, by exactly this name. A veto."""

from __future__ import annotations

from selfimprove.verify.case import Case, Finding


def tool(case: Case) -> Finding | None:
    for call in case.answer.calls if case.answer else ():
        if call.name not in case.tools.definitions:
            return "rejected", ("unknown-tool",)
    return None
