"""Grounding: every value comes from somewhere. What cannot be traced is unknown, never a veto.

A value is traced by `selfimprove/tools/trace.py`: said, a default, an enum, or a derivation that has a name. A call that
brings no traced value of its own, of a tool that the conversation does not speak of, is traced by nothing: it is unknown when
the conversation speaks of another tool, or when other calls bring the values.
"""

from __future__ import annotations

import re
from typing import Any

from selfimprove.records import Call, Tool
from selfimprove.tools.canonical import is_default
from selfimprove.tools.conversation import Conversation
from selfimprove.tools.said_numbers import is_meant_otherwise, is_said
from selfimprove.tools.subschema import properties, resolve
from selfimprove.tools.trace import SMALL_WORDS, trace
from selfimprove.tools.words import folded, plain, tokens
from selfimprove.verify.case import Case, Finding, Offered

MOST_VALUES = 2_000
"""Values traced in one answer. No user says more of them."""
_EVIDENCE = frozenset({"said", "number", "date", "time", "words", "measure", "code", "place"})
_day, _time = re.compile(r"\d{4}-\d\d?-\d"), re.compile(r"\d:\d\d")
_FORMS = {"date": _day, "date-time": _day, "time": _time}
_MARKS = (("YYYY-MM-DD", _day), ("HH:MM", _time), ("YYYY", re.compile(r"\d")))
_EMPTY_WORDS = SMALL_WORDS | frozenset((  # noqa: SIM905
    "get set all any new use used using given return returns tool function api data list value user users provide provides based "
    "specific specified various retrieve retrieves fetch information info request requests current details available"
).split())  # fmt: skip


_of_units = re.compile(r"unit|scale|magnitude|multiplier|currency", re.IGNORECASE)
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
                if _is_meant_otherwise(value, path, schema, schemas, said):
                    found.add(f"ungrounded:{path}"[:80])
                shown.append(value)
                continue
            if known is None:
                known = said.traced(case.tools.key(call.name), about)
            # As text: 0.0 is -0.0, and 1 is 1.0 and true.
            same = (place, value if kind is str else repr(value), kind)
            how = known.get(same, "")
            if how == "":
                how = trace(value, schema, said, root, (path, about))
                if how and type(schema) is dict and _is_out_of_place(value, path, schema, said):
                    how = None
                if how == "number" and kind is not str and _is_meant_otherwise(value, path, schema, schemas, said):
                    how = None
                if len(known) < MOST_KEPT and len(path) + len(same[1]) < LONGEST_KEPT:
                    known[same] = how
            if how is None:
                found.add(f"ungrounded:{path}"[:80])
            elif how in _EVIDENCE:
                shown.append(value)
        evidence.append(shown)
        found |= {f"said-once:{value}"[:80] for value in _said_once(shown, said)} if len(shown) > 1 else set()
    if not found:
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
    said, tools = case.said, case.tools
    if len(calls) == 1 and evidence[0] and (len(tools) == 1 or not case.request):
        return set()
    found, called = set(), {call.name for call in calls}
    shown = [set(map(repr, values)) for values in evidence]
    shared: dict[str, int] = {}
    for values in shown:
        for value in values:
            shared[value] = shared.get(value, 0) + 1
    for number, call in enumerate(calls):
        own = any(shared[value] == 1 for value in shown[number])
        if (own and (len(tools) == 1 or not case.request)) or _speaks_of(said, call.name, tools):
            continue
        # What the values say, they say of themselves: "Find the book The Music Lesson" does not speak of a tool for music.
        words = said.words.difference(tokens(folded(" ".join(map(str, shown[number])))))
        rivals = (name for name in tools if name not in called)
        if (not own and len(calls) > 1) or any(
            not words.isdisjoint(words_of(tools[name])) if own else _speaks_of(said, name, tools) for name in rivals
        ):
            found.add(f"unspoken:{call.name}"[:80])
    return found


def _is_out_of_place(value: Any, path: str, schema: dict[str, Any], said: Conversation) -> bool:
    """What may be said but is no value here: the parameter's own name; words where the tool shows how a day or a time is
    written; a switch that is turned against its default without a word about it."""
    description = schema.get("description")
    about = description if isinstance(description, str) else ""
    if type(value) is bool:
        if type(schema.get("default")) is not bool or value is schema["default"]:
            return False
        words = {w for w in tokens(folded(f"{_apart(path)} {about[:400]}")) if len(w) > 2} - _EMPTY_WORDS
        return not any(map(said.has_stem, words))
    if type(value) is not str:
        return False
    # Most values do not even begin as the name does.
    name, first = path.rpartition(".")[2], value[:1].lower()
    if (first == name[:1].lower() or not first.isalnum()) and plain(value) == plain(_apart(name)):
        return "enum" not in schema and said.plain.count(f" {plain(value)} ") < 2
    form = _FORMS.get(schema["format"]) if type(schema.get("format")) is str else None
    if not form and ("YYYY" in about or "HH:MM" in about):
        form = next(f for mark, f in _MARKS if mark in about)
    return form is not None and not form.search(value)


def _is_meant_otherwise(number: float, path: str, schema: Any, schemas: dict[str, Any], said: Conversation) -> bool:
    about = schema.get("description") if type(schema) is dict else ""
    if not is_meant_otherwise(number, said, path.rpartition(".")[2], about if type(about) is str else ""):
        return False
    # An argument of its own may say what the others are in.
    return not any(map(_of_units.search, schemas))


def _said_once(values: list[Any], said: Conversation) -> set[str]:
    """What stands in more arguments of one call than it is said: one 4.7 is not the base and the height of a triangle. Several
    words, or a day, count inside other values too."""
    # Nearly always, no value stands in another one: that is seen before they are taken apart.
    raw = [value.casefold() if type(value) is str else str(value) for value in values]
    every = "\n".join(raw)
    if all(every.count(text) == 1 for text in raw if text):
        return set()
    # Two spaces between words: neighbours that are equal do not share one.
    texts = [f" {plain(str(value)).replace(' ', '  ')} " for value in values]
    found: set[str] = set()
    if len(set(texts)) == len(texts) and not any("  " in text for text in texts):
        return found
    every = "|".join(texts)
    for text in texts:
        words = text.split()
        inside = len(words) > 2 or (len(words) == 2 and not words[0].isdigit())
        uses = every.count(text) if inside else texts.count(text)
        if uses > 1 and max(1, said.plain.replace(" ", "  ").count(text)) < uses:
            found.add(" ".join(words))
    return found


def _speaks_of(said: Conversation, name: str, tools: Offered) -> bool:
    """Whether the conversation has a word of the tool's name or description in some form."""
    description = tools.schema(name)[1][:400]
    found = said.speaks.get((name, description))
    if found is None:
        words = _words(_apart(name)) | _words(description)
        found = not words.isdisjoint(said.words) or any(map(said.has_stem, words))
        if len(said.speaks) < MOST_KEPT and len(name) < LONGEST_KEPT:
            said.speaks[name, description] = found
    return found


def words_of(tool: Tool) -> set[str]:
    """The words of a tool's name and description that say what it is for."""
    return _words(_apart(tool.name)) | _words(tool.description[:400])


def _words(text: str) -> set[str]:
    return {w for w in tokens(folded(text)) if len(w) > 2} - _EMPTY_WORDS


def _apart(name: str) -> str:
    """CamelCase in words."""
    if name.islower():
        return name
    return "".join(f" {c}" if c.isupper() and i and name[i - 1].islower() else c for i, c in enumerate(name))
