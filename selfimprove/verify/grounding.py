"""Grounding: every value comes from somewhere. What cannot be traced is unknown, never a veto.

A value is traced by `selfimprove/tools/trace.py`: said, a default, an enum, or a derivation that has a name. A call that
brings no traced value of its own, of a tool that the conversation does not speak of, is traced by nothing: it is unknown when
the conversation speaks of another tool, or when other calls bring the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selfimprove.records import Call, Tool
from selfimprove.tools.canonical import is_default
from selfimprove.tools.conversation import Conversation, folded, stem, tokens
from selfimprove.tools.subschema import properties, resolve
from selfimprove.tools.trace import SMALL_WORDS, trace
from selfimprove.verify.case import Case, Finding

MOST_VALUES = 2_000
"""Values traced in one answer. No user says more of them."""
_EVIDENCE = frozenset({"said", "number", "date", "time", "words", "measure", "code", "place"})
_EMPTY_WORDS = SMALL_WORDS | frozenset((  # noqa: SIM905
    "get set all any new use used using given return returns tool function api data list value user users provide provides based "
    "specific specified various retrieve retrieves fetch information info request requests current details available"
).split())  # fmt: skip


def grounding(case: Case) -> Finding | None:
    calls = case.answer.calls if case.answer else ()
    said = case.said
    found: set[str] = set()
    evidence: list[set[str]] = []
    left = MOST_VALUES
    for call in calls:
        tool = case.tools.get(call.name)
        if tool is None:
            continue
        shown: set[str] = set()
        for path, value, schema in _leaves(call.arguments, tool):
            left -= 1
            if left < 0:
                return "unknown", ("too-much-to-trace",)
            how = trace(value, schema, said, tool.parameters, (path, tool.description))
            if how is None:
                found.add(f"ungrounded:{path}"[:80])
            elif how in _EVIDENCE:
                shown.add(repr(value))
        evidence.append(shown)
    if not found and (len(calls) > 1 or not all(evidence)):
        found = _unspoken(case, calls, evidence)
    return ("unknown", tuple(sorted(found))) if found else None


def _leaves(arguments: dict[str, Any], tool: Tool) -> Iterator[tuple[str, Any, Any]]:
    """Every value with its path and schema. An empty list or object is a value; one that is its default needs no source."""
    root = tool.parameters
    inner = properties(root)
    waiting = [(name, value, inner.get(name), 0) for name, value in arguments.items()]
    while waiting:
        path, value, schema, depth = waiting.pop()
        if isinstance(value, dict | list) and value and schema and is_default(value, resolve(schema, root), root):
            continue
        if isinstance(value, dict) and value:
            one = properties(resolve(schema, root) if schema else {}, root)
            waiting += [(f"{path}.{name}", item, one.get(name), depth + 1) for name, item in value.items()]
        elif isinstance(value, list) and value:
            items = resolve(schema, root).get("items") if schema else None
            waiting += [(path, item, items, depth + 1) for item in value]
        else:
            yield path, value, schema


def _unspoken(case: Case, calls: tuple[Call, ...], evidence: list[set[str]]) -> set[str]:
    """Calls with no value of their own whose tool the conversation does not speak of."""
    found = set()
    for number, call in enumerate(calls):
        others = set().union(*evidence[:number], *evidence[number + 1 :]) if len(calls) > 1 else set()
        if evidence[number] - others or _speaks_of(case.said, case.tools[call.name]):
            continue
        rivals = (t for n, t in case.tools.items() if n != call.name)
        if len(calls) > 1 or any(_speaks_of(case.said, rival) for rival in rivals):
            found.add(f"unspoken:{call.name}"[:80])
    return found


def _speaks_of(said: Conversation, tool: Tool) -> bool:
    """Whether the conversation has a word of the tool's name or description."""
    named = tokens(folded(_apart(tool.name))) + tokens(folded(tool.description[:400]))
    return any(len(w) > 2 and w not in _EMPTY_WORDS and stem(w) in said.stems for w in named)


def _apart(name: str) -> str:
    """CamelCase in words."""
    return "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
