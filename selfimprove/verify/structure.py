"""Structure: the text is an answer, and its shape is one that a right answer can have.

A text that does not parse is vetoed with the parser's code. Where no vote and no reference will say whether not calling is
right, prose and declining are unknown. The same call twice in one answer is unknown: a user rarely wants a thing done twice,
and a model that repeats itself does it often.
"""

from __future__ import annotations

from itertools import combinations

from selfimprove.records import canonical_json
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
    if len(answer.calls) > 1 and any(a.arguments == b.arguments and a.name == b.name for a, b in combinations(answer.calls, 2)):
        # To Python 1 is true and 1.0; as texts they differ.
        different = {canonical_json([c.name, c.arguments]) for c in answer.calls}
        return ("unknown", ("repeated-call",)) if len(different) < len(answer.calls) else None
    return None
