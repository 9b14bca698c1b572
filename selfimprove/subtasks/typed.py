"""Text -> the value that a tool's schema makes of it: for call syntaxes in which every argument is plain text.

    typed({"n": "2", "id": "007"}, {"type": "object", "properties": {"n": {"type": "integer"}, "id": {"type": "string"}}})
    == {"n": 2, "id": "007"}

A text parameter keeps its text exactly. Any other is read as JSON, or as Python writes such values; where that fails the text
stays, and the check of the arguments refuses it. Where text and something else are both allowed, the something else comes first,
as in the readers that the model families publish: the text alone cannot say more.
"""

from __future__ import annotations

from typing import Any

from selfimprove.chat.calls import read_value
from selfimprove.tools.canonical import is_same
from selfimprove.tools.subschema import MOST_STEPS, properties, resolve, types

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
_BRANCHES = ("anyOf", "oneOf", "allOf")


def typed(arguments: dict[str, Any], parameters: Any) -> dict[str, Any]:
    """The arguments of a call by the schema of its tool; values that are no text stay as they are."""
    root = parameters if isinstance(parameters, dict) else {}
    known, others = properties(root), root.get("additionalProperties")
    return {name: _typed(v, known.get(name, others), root) if isinstance(v, str) else v for name, v in arguments.items()}


def _typed(text: str, schema: Any, root: dict[str, Any]) -> Any:
    allowed, values = _allowed(schema, root)
    if values is not None:
        if any(text == value for value in values if isinstance(value, str)):
            return text
        read = _read(text)
        return next((value for value in values if is_same(value, read)), read if "string" not in allowed else text)
    if allowed == {"string"}:
        return text
    read = _read(text)
    if "string" in allowed and not _fits(read, allowed):
        return text
    return read


def _read(text: str) -> Any:
    """The value that the whole text writes; the text itself for anything else, also for a quoted text."""
    try:
        value, end = read_value(text, 0)
    except ValueError:
        return text
    return text if text[end:].strip() or isinstance(value, str) else value


def _fits(value: Any, allowed: set[str]) -> bool:
    name = _NAMES[type(value)]
    whole = name == "integer" or (isinstance(value, float) and value.is_integer())
    return name in allowed or (name == "integer" and "number" in allowed) or (whole and "integer" in allowed)


def _allowed(schema: Any, root: dict[str, Any]) -> tuple[set[str], list[Any] | None]:
    """(types that a schema names, in all its branches; the values of an enum or a const). No types: anything may stand there."""
    found: set[str] = set()
    values: list[Any] | None = None
    waiting, steps = [(schema, "")], 0
    while waiting:
        steps += 1
        following, key = waiting.pop()
        one = resolve(following, root)
        if steps > 64:
            return set(), values
        here = [one["const"]] if "const" in one else one.get("enum") if isinstance(one.get("enum"), list) else None
        if here is not None:
            values = [*(values or ()), *here[:1000]]
        branches = [(b, key) for key in _BRANCHES if isinstance(one.get(key), list) for b in one[key][:MOST_STEPS]]
        named = set(types(one)) | {_NAMES[type(value)] for value in here or () if type(value) in _NAMES}
        if not named and not branches and key != "allOf":
            return set(), values
        found |= named | ({"null"} if one.get("nullable") is True else set())
        waiting += () if types(one) else branches
    return found, values
