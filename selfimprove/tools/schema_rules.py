"""Which tool definitions can be used: for pools (a bad one is an error with its line) and for tools that a model made.

    problems(Tool(name="f", parameters={"type": "object", "properties": {}})) == []
"""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from selfimprove.records import Tool, canonical_json

MAX_DEPTH = 12
MAX_CHARACTERS = 20_000
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}")
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


def problems(tool: Tool, *, made: bool = False) -> list[str]:
    """Reason codes: name, no-schema, not-object, too-deep, too-large, required-unknown, remote-ref, and for made tools
    undescribed and type."""
    found = []
    if not NAME.fullmatch(tool.name):
        found.append("name")
    if _depth(tool.parameters) > MAX_DEPTH:
        return [*found, "too-deep"]
    if len(canonical_json(tool.parameters)) > MAX_CHARACTERS:
        return [*found, "too-large"]
    if '"$ref":"http' in canonical_json(tool.parameters):
        found.append("remote-ref")
    try:
        Draft202012Validator.check_schema(tool.parameters)
    except SchemaError:
        return [*found, "no-schema"]
    if tool.parameters.get("type", "object") != "object":
        found.append("not-object")
    if any(name not in tool.properties for name in tool.required):
        found.append("required-unknown")
    if made:
        found.extend(_made_problems(tool))
    return found


def _made_problems(tool: Tool) -> list[str]:
    found = []
    if len(tool.description.split()) < 2:
        found.append("undescribed")
    if any(not isinstance(p, dict) or not _has_type(p) for p in tool.properties.values()):
        found.append("type")
    return found


def _has_type(schema: dict[str, Any]) -> bool:
    return "enum" in schema or "anyOf" in schema or (isinstance(schema.get("type"), str) and schema["type"] in TYPES)


def _depth(value: Any) -> int:
    """Nesting depth, measured without recursion: a schema bomb must not be able to end the process."""
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH * 2:
        deepest += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(inner, dict | list)
        ]
    # Every schema level is two JSON levels: the schema and its `properties`.
    return deepest // 2
