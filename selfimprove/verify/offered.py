"""Tool: every called tool was offered, by exactly this name. A veto."""

from __future__ import annotations

from selfimprove.verify.case import Case, Finding


def tool(case: Case) -> Finding | None:
    calls = case.answer.calls if case.answer else ()
    return None if all(c.name in case.tools for c in calls) else ("rejected", ("unknown-tool",))
