"""Structure: the text is an answer, and its shape is one that a right answer can have.

A text that does not parse is vetoed with the parser's code. Where no vote and no reference will say whether not calling is
right, prose and declining are unknown. The same call twice in one answer, in whatever form (3 and 3.0, a default and nothing),
is unknown: a user rarely wants a thing done twice, and a model that repeats itself does it often.
"""

from __future__ import annotations

from selfimprove.tools.canonical import call_key
from selfimprove.verify.case import Case, Finding

MOST_CALLS = 64


def structure(case: Case) -> Finding | None:
    answer = case.answer
    if answer is None:
        return "rejected", (case.problem or "empty",)
    if not answer.calls:
        if case.voted:
            return None
        return "unknown", ("declines" if answer.abstain in ("no_tool", "missing") else "prose",)
    if len(answer.calls) > MOST_CALLS:
        return "rejected", ("too-many-calls",)
    if len({call.name for call in answer.calls}) == len(answer.calls):
        return None
    tools = {call.name: case.tools[call.name] for call in answer.calls if call.name in case.tools}
    # A call that differs in capitals only is one too.
    keys = {call_key(call, tools.get(call.name)).casefold() for call in answer.calls}
    return ("unknown", ("repeated-call",)) if len(keys) < len(answer.calls) else None
