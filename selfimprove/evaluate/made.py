"""Tools that a model makes for a query: are they valid, and could the reference calls have been written with them?

    made = judge(item, '{"name": "weather", "description": "...", "parameters": {...}}')
    made.valid, made.writable

Names are free: a made tool can write a call when its parameters can hold the call's values and none that it requires is left
without one. What it is not: a judgement of descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from selfimprove.evaluate.score import golds
from selfimprove.records import Call, MadeTools, SuiteItem, Tool
from selfimprove.subtasks import make


def judge(item: SuiteItem, text: str, finish: str = "stop") -> MadeTools:
    """One list of tools that was made for the query of a call item."""
    tools, problem = make.parse(text) if finish == "stop" else ([], "truncated" if finish == "length" else "prompt-too-long")
    return MadeTools(
        id=item.id, query=item.query, text=text, valid=not problem, reason=problem or "",
        writable=not problem and any(can_write(answer.calls, tools) for answer in golds(item)),
    )  # fmt: skip


def can_write(calls: Sequence[Call], tools: Sequence[Tool]) -> bool:
    """Whether every tool that is called has a made one of its own that can write all of its calls."""
    names = sorted({call.name for call in calls})
    by_name = {name: [c for c in calls if c.name == name] for name in names}
    return pairs(len(names), len(tools), lambda i, j: all(_writes(tools[j], call) for call in by_name[names[i]]))


def _writes(tool: Tool, call: Call) -> bool:
    """Whether every value finds a parameter of its own, and every required parameter a value."""
    values, parameters = list(call.arguments.values()), list(tool.properties.items())
    needed = [n for n, (name, _) in enumerate(parameters) if name in tool.required]
    if len(values) > len(parameters) or len(needed) > len(values):
        return False

    def holds(value: int, parameter: int) -> bool:
        return _valid(values[value], parameters[parameter][1])

    # A matching that covers all values and one that covers all required parameters imply one that covers both (Mendelsohn and
    # Dulmage 1958).
    return pairs(len(values), len(parameters), holds) and pairs(len(needed), len(values), lambda i, v: holds(v, needed[i]))


def _valid(value: Any, schema: Any) -> bool:
    return isinstance(schema, bool) or bool(Draft202012Validator(schema).is_valid(value))


def pairs(left: int, right: int, fits: Callable[[int, int], bool]) -> bool:
    """Whether everything on the left finds a partner of its own on the right (augmenting paths, Kuhn 1955)."""
    partner: dict[int, int] = {}

    def find(i: int, seen: set[int]) -> bool:
        for j in range(right):
            if j not in seen and fits(i, j):
                seen.add(j)
                if j not in partner or find(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return all(find(i, set()) for i in range(left))
