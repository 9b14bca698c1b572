"""When two answers are the same: used by the vote, pass@k and scoring.

    key(answer, tools) == key(other, tools)

Arguments equal to the schema's default are dropped, numbers compare by value where the schema says number, strings are
exact up to outer white space, parallel calls are a multiset, an abstention is a class of its own with its reason.
What this is not: a check that the calls are valid.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selfimprove.records import Answer, Call, Tool, canonical_json


def key(answer: Answer, tools: Iterable[Tool]) -> str:
    """One text for all answers that mean the same."""
    if answer.abstain or not answer.calls:
        return canonical_json(["abstain", answer.abstain or "no_call", sorted(answer.missing)])
    by_name = {tool.name: tool for tool in tools}
    return canonical_json(sorted(call_key(call, by_name.get(call.name)) for call in answer.calls))


def call_key(call: Call, tool: Tool | None) -> str:
    properties = tool.properties if tool else {}
    arguments = {}
    for name, value in call.arguments.items():
        schema = properties.get(name)
        schema = schema if isinstance(schema, dict) else {}
        normal = canonical_value(value, schema)
        if "default" in schema and normal == canonical_value(schema["default"], schema):
            continue
        arguments[name] = normal
    return canonical_json([call.name, arguments])


def canonical_value(value: Any, schema: dict[str, Any]) -> Any:
    """A value in the one form that its schema gives it: 2.0 is 2, and inside arrays and objects too."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        items = schema.get("items")
        return [canonical_value(v, items if isinstance(items, dict) else {}) for v in value]
    if isinstance(value, dict):
        found = schema.get("properties")
        inner = found if isinstance(found, dict) else {}
        return {k: canonical_value(v, inner[k] if isinstance(inner.get(k), dict) else {}) for k, v in value.items()}
    return value
