"""Definition: the tools can be used. Among tools that a model made none may be unusable or the same as another: a veto.

How a made tool must be written (keywords, description, types, an example) is asked where it is made, by the same
`schema_rules.py`; here the user's own tools stand among them. A user's tool that cannot be read makes its calls unknown, since
nobody can say whether they fit it.
"""

from __future__ import annotations

from functools import lru_cache

from selfimprove.records import Tool
from selfimprove.tools.schema_rules import alike, problems
from selfimprove.tools.validation import Uncheckable
from selfimprove.verify.case import Case, Finding


@lru_cache(maxsize=4096)
def _problems(tool: str) -> tuple[str, ...]:
    """Many attempts see the same tools."""
    return tuple(problems(Tool.model_validate_json(tool)))


def _flaws(case: Case) -> frozenset[str]:
    found = {f"definition-{p}" for tool in case.tools.values() for p in _problems(tool.model_dump_json())}
    return frozenset(found | ({"definition-alike"} if case.repeated or alike(list(case.tools.values())) else set()))


def definition(case: Case) -> Finding | None:
    if case.made:
        if case.tools.flaws is None:
            case.tools.flaws = _flaws(case)
        if case.tools.flaws:
            return "rejected", tuple(sorted(case.tools.flaws))
    unclear = set()
    for call in case.answer.calls if case.answer else ():
        if call.name in case.repeated:
            unclear.add("definition-repeated")
        elif call.name in case.tools.definitions:
            try:
                case.tools.checker(call.name)
            except Uncheckable as problem:
                unclear.add(str(problem))
    return ("unknown", tuple(sorted(unclear))) if unclear else None
