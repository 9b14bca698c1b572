"""Definition: the tools can be used. Tools that a model made must be well made; others only well enough to check a call.

Made tools are vetoed for what `schema_rules.py` calls a problem: keywords, name, description, types, no example, or a sibling
that is the same. A user's tool that cannot be read makes its calls unknown, since nobody can say whether they fit it.
"""

from __future__ import annotations

from selfimprove.tools.schema_rules import alike, problems
from selfimprove.tools.validation import Uncheckable, checker_of
from selfimprove.verify.case import Case, Finding


def definition(case: Case) -> Finding | None:
    if case.made:
        found = {f"definition-{p}" for tool in case.tools.values() for p in problems(tool, made=True)}
        found |= {"definition-alike"} if case.repeated or alike(list(case.tools.values())) else set()
        if found:
            return "rejected", tuple(sorted(found))
    unclear = set()
    for call in case.answer.calls if case.answer else ():
        if call.name in case.repeated:
            unclear.add("definition-repeated")
        elif call.name in case.tools:
            try:
                checker_of(case.tools[call.name].parameters)
            except Uncheckable as problem:
                unclear.add(str(problem))
    return ("unknown", tuple(sorted(unclear))) if unclear else None
