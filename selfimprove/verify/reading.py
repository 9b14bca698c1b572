"""A row as users write it -> what the layers judge. Everything that is wrong with a row is a `BadRow` in one sentence.

    row = read_row({"id": 1, "tools": [...], "query": "Weather in Oslo?", "candidate": "..."}, "training")
    row.case.answer, row.rights
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from selfimprove.records import AdmissibleCall, Call, Values
from selfimprove.records.base import maker
from selfimprove.subtasks import use
from selfimprove.tools.admissible import from_calls
from selfimprove.tools.canonical import Profile
from selfimprove.verify.case import Case, Offered

_values, _admissible_call = maker(Values), maker(AdmissibleCall)
_OUTPUTS = ("output", "outputSchema", "returns")
"""Keys under which tools declare their results, the first first."""
_has_no_output = frozenset(_OUTPUTS).isdisjoint


class BadRow(ValueError):  # noqa: N818 - a reason, not a fault
    """A row that cannot be judged; the message says what is wrong with it."""


class Right(NamedTuple):
    """What is right, as alternatives; `literal` when it was given as reference calls."""

    answers: tuple[tuple[AdmissibleCall, ...], ...]
    literal: bool


class RowCase(NamedTuple):
    id: str | int
    case: Case
    said: str
    """The candidate's prose, without thoughts and calls."""
    rights: tuple[Right, ...]


def read_row(row: Any, profile: Profile, modules: Mapping[str, Path] | None = None) -> RowCase:
    """Raises BadRow naming the key that is wrong."""
    if not isinstance(row, dict):
        raise BadRow("the row is no JSON object")
    id_ = row.get("id")
    if type(id_) is not str and type(id_) is not int:
        raise BadRow("`id` must be a text or a whole number")
    candidate = row.get("candidate")
    if not isinstance(candidate, str):
        raise BadRow("`candidate` must be a text")
    tools, repeated, outputs = _tools(row.get("tools"))
    rights = tuple(_rights(row, profile)) if "admissible" in row or "reference_calls" in row else ()
    parsed = use.parse(candidate, tools)
    case = Case(
        parsed.answer, parsed.problem, tools, _text(row), _request(row), repeated, outputs=outputs, modules=modules or {}
    )
    return RowCase(id_, case, parsed.said, rights)


def _tools(value: Any) -> tuple[Offered, frozenset[str], dict[str, Any]]:
    """The tools, the names that two different ones have, and the outputs that are declared."""
    if not isinstance(value, list):
        raise BadRow("`tools` must be a list of definitions")
    found: dict[str, dict[str, Any]] = {}
    repeated: set[str] = set()
    outputs: dict[str, Any] = {}
    for number, item in enumerate(value, 1):
        one = item.get("function", item) if isinstance(item, dict) else None
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(name, str) or not name:
            raise BadRow(f"tool {number} in `tools` has no name")
        parameters = one.get("parameters")
        if not isinstance(parameters, dict) and parameters is not None:
            raise BadRow(f"the `parameters` of tool {number} must be an object")
        if found.setdefault(name, one) is not one and found[name] != one:
            repeated.add(name)
        if not _has_no_output(one):
            for key in _OUTPUTS:
                if isinstance(one.get(key), dict):
                    outputs.setdefault(name, one[key])
    return Offered(found), frozenset(repeated), outputs


def _text(row: dict[str, Any]) -> str:
    """What was said: the query, or the text of every message, with what earlier calls and their results hold."""
    query, messages = row.get("query"), row.get("messages")
    if messages is None and isinstance(query, str):
        return query
    if not isinstance(messages, list):
        raise BadRow("`query` must be a text, or `messages` a list")
    parts = [query] if isinstance(query, str) else []
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            raise BadRow(f"message {number} is no object")
        parts += _strings(message.get("content"))
        if message.get("tool_calls"):
            parts += _strings(message["tool_calls"])
    return "\n".join(parts)


def _request(row: dict[str, Any]) -> str:
    """The user's words where nobody else said anything; empty in a longer conversation."""
    messages = row.get("messages")
    if messages is None:
        return str(row["query"])
    said = [m.get("content") for m in messages if m.get("role") != "system"]
    return said[0] if len(said) == 1 and isinstance(said[0], str) and "query" not in row else ""


def _strings(value: Any) -> Iterable[str]:
    """Every text and number inside a message's content, in order, without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            # A result is often JSON as text: what its escapes stand for was said too.
            if "\\" in item and item.lstrip()[:1] in ("{", "["):
                with suppress(ValueError, RecursionError):
                    waiting.append(json.loads(item))
        elif isinstance(item, dict):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield str(item)


def _rights(row: dict[str, Any], profile: Profile) -> Iterable[Right]:
    reference, admissible = row.get("reference_calls"), row.get("admissible")
    try:
        if admissible is not None:
            if not isinstance(admissible, list) or not admissible:
                raise BadRow("`admissible` must be a list with at least one answer; `[[]]` says that not calling is right")
            yield Right(tuple(tuple(map(_admissible, answer)) for answer in admissible), literal=False)
        if reference is not None:
            if not isinstance(reference, list):
                raise BadRow("`reference_calls` must be a list of calls")
            yield Right((tuple(from_calls([_call(call) for call in reference], profile)),), literal=True)
    except (ValidationError, TypeError, AttributeError, KeyError, json.JSONDecodeError):
        raise BadRow("a right answer is no list of calls with `name` and `arguments`") from None


def _call(value: dict[str, Any]) -> Call:
    one = value.get("function", value)
    arguments = one.get("arguments", one.get("parameters"))
    if isinstance(arguments, str):
        # How OpenAI's interface writes them.
        arguments = json.loads(arguments)
    return Call(name=one["name"], arguments={} if arguments is None else arguments)


def _admissible(value: dict[str, Any]) -> AdmissibleCall:
    """Checked here and built unchecked: validation by the record takes longer than everything that is done with it."""
    arguments = {}
    for name, one in (value.get("arguments", value.get("parameters")) or {}).items():
        values, optional = (one, False) if isinstance(one, list) else (one["values"], one.get("optional", False))
        if not isinstance(values, list) or optional not in (True, False):
            raise TypeError
        arguments[name] = _values({"values": tuple(values), "optional": bool(optional)})
    if not isinstance(value["name"], str):
        raise TypeError
    return _admissible_call({"name": value["name"], "arguments": arguments})
