"""Grounding: every value comes from somewhere. What cannot be traced is unknown, never a veto.

A value is traced by `selfimprove/tools/trace.py`: said, a default, an enum, or a derivation that has a name. A call that
brings no traced value of its own, of a tool that the conversation does not speak of, is traced by nothing: it is unknown when
the conversation speaks of another tool, or when other calls bring the values.
"""

from __future__ import annotations

from typing import Any

from selfimprove.records import Call
from selfimprove.tools.canonical import is_default
from selfimprove.tools.conversation import Conversation
from selfimprove.tools.said_numbers import is_said
from selfimprove.tools.subschema import properties, resolve
from selfimprove.tools.trace import SMALL_WORDS, trace
from selfimprove.tools.words import folded, tokens
from selfimprove.verify.case import Case, Finding, Offered

MOST_VALUES = 2_000
"""Values traced in one answer. No user says more of them."""
_EVIDENCE = frozenset({"said", "number", "date", "time", "words", "measure", "code", "place"})
_EMPTY_WORDS = SMALL_WORDS | frozenset((  # noqa: SIM905
    "get set all any new use used using given return returns tool function api data list value user users provide provides based "
    "specific specified various retrieve retrieves fetch information info request requests current details available"
).split())  # fmt: skip


_Waiting = tuple[Any, str, Any, Any]
"""Where a value stands (unlike the path, another for each schema), its path, the value, its schema."""
MOST_KEPT = 200
"""Values of one tool that are traced once for all answers to one conversation, of at most so many characters."""
LONGEST_KEPT = 300


def grounding(case: Case) -> Finding | None:
    # Calls of tools that were not offered are the layer tool's.
    calls = [c for c in case.answer.calls if c.name in case.tools.definitions] if case.answer else []
    if not calls:
        return None
    said = case.said
    raw = said.raw
    found: set[str] = set()
    evidence: list[list[Any]] = []
    left = MOST_VALUES
    for call in calls:
        root, about = case.tools.schema(call.name)
        schemas, shown = properties(root), []
        known: dict[Any, str | None] | None = None
        waiting: list[_Waiting] = [(name, name, value, schemas.get(name)) for name, value in call.arguments.items()]
        while waiting:
            place, path, value, schema = waiting.pop()
            kind = type(value)
            if value and (kind is dict or kind is list):
                waiting += _inside(place, path, value, schema, root)
                continue
            left -= 1
            if left < 0:
                return "unknown", ("too-much-to-trace",)
            if kind is int and is_said(value, repr(value), said):
                shown.append(value)
                continue
            plain_word = kind is str and len(value) < 40 and value.isalpha() and value.isascii()
            if plain_word and value in raw and said.has(value.lower()):
                shown.append(value)
                continue
            if kind is str or kind is int or kind is float:
                if known is None:
                    known = said.traced(case.tools.key(call.name), about)
                # As text: 0.0 is -0.0, and 1 is 1.0.
                same = (place, value if kind is str else repr(value), kind)
                how = known.get(same, "")
                if how == "":
                    how = trace(value, schema, said, root, (path, about))
                    if len(known) < MOST_KEPT and len(path) + len(same[1]) < LONGEST_KEPT:
                        known[same] = how
            else:
                how = trace(value, schema, said, root, (path, about))
            if how is None:
                found.add(f"ungrounded:{path}"[:80])
            elif how in _EVIDENCE:
                shown.append(value)
        evidence.append(shown)
    if not found and (len(calls) > 1 or not all(evidence)):
        found = _unspoken(case, calls, evidence)
    return ("unknown", tuple(sorted(found))) if found else None


def _inside(place: Any, path: str, value: dict[str, Any] | list[Any], schema: Any, root: dict[str, Any]) -> list[_Waiting]:
    """What stands in an object or a list, with path and schema; nothing where that is the default, which needs no source."""
    one = resolve(schema, root) if schema else {}
    if one and is_default(value, one, root):
        return []
    if isinstance(value, dict):
        inner = properties(one, root)
        return [((place, name), f"{path}.{name}", item, inner.get(name)) for name, item in value.items()]
    return [((place,), path, item, one.get("items")) for item in value]


def _unspoken(case: Case, calls: list[Call], evidence: list[list[Any]]) -> set[str]:
    """Calls with no value of their own whose tool the conversation does not speak of."""
    found = set()
    said, tools = case.said, case.tools
    shown = [set(map(repr, values)) for values in evidence]
    shared: dict[str, int] = {}
    for values in shown:
        for value in values:
            shared[value] = shared.get(value, 0) + 1
    for call, own in zip(calls, shown, strict=True):
        if any(shared[value] == 1 for value in own) or _speaks_of(said, call.name, tools):
            continue
        if len(calls) > 1 or any(_speaks_of(said, name, tools) for name in tools if name != call.name):
            found.add(f"unspoken:{call.name}"[:80])
    return found


def _speaks_of(said: Conversation, name: str, tools: Offered) -> bool:
    """Whether the conversation has a word of the tool's name or description."""
    in_name = _words(_apart(name))
    if not in_name.isdisjoint(said.words):
        return True
    described = _words(tools.schema(name)[1][:400])
    return not described.isdisjoint(said.words) or any(map(said.has_stem, in_name | described))


def _words(text: str) -> set[str]:
    return {w for w in tokens(folded(text)) if len(w) > 2} - _EMPTY_WORDS


def _apart(name: str) -> str:
    """CamelCase in words."""
    if name.islower():
        return name
    return "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
