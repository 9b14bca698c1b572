"""Which tool definitions can be used: for pools (a bad one is an error with its line) and for tools that a model made.

    problems(Tool(name="f", parameters={"type": "object", "properties": {}})) == []
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from selfimprove.records import Tool, canonical_json
from selfimprove.tools.dialect import ANNOTATIONS, HOLDERS, KEYWORDS, MAPS
from selfimprove.tools.example import example
from selfimprove.tools.validation import Uncheckable, checker_of

MAX_DEPTH = 12
MAX_CHARACTERS = 20_000
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,63}")
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


def problems(tool: Tool, *, made: bool = False) -> list[str]:
    """Reason codes: name, no-schema, not-object, too-deep, too-large, required-unknown, remote-ref, bad-ref, and for made tools
    undescribed, type, pattern, keyword and no-example."""
    found = []
    if not NAME.fullmatch(tool.name):
        found.append("name")
    if _depth(tool.parameters) > MAX_DEPTH:
        return [*found, "too-deep"]
    if len(canonical_json(tool.parameters)) > MAX_CHARACTERS:
        return [*found, "too-large"]
    try:
        Draft202012Validator.check_schema(tool.parameters)
    except SchemaError:
        return [*found, "no-schema"]
    found.extend(_reference_problems(tool.parameters, made))
    if tool.parameters.get("type", "object") != "object":
        found.append("not-object")
    if any(name not in tool.properties for name in tool.required):
        found.append("required-unknown")
    if made:
        found.extend(_made_problems(tool))
    return found


def _reference_problems(schema: dict[str, Any], made: bool) -> list[str]:
    """A reference that does not resolve raises in the middle of a validation; a made tool needs none at all."""
    references = _references(schema)
    if not all(r.startswith("#") for r in references):
        return ["remote-ref"]
    return ["bad-ref"] if references and (made or not all(_resolves(schema, r) for r in references)) else []


def _references(schema: dict[str, Any]) -> list[str]:
    found: list[str] = []
    level: list[Any] = [schema]
    while level:
        found += [v for item in level if isinstance(item, dict) for k, v in item.items() if k == "$ref" and isinstance(v, str)]
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
        ]
    return found


def _resolves(schema: dict[str, Any], reference: str) -> bool:
    """Whether a local reference ends at a schema, and not in a circle of references."""
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for _ in range(MAX_DEPTH):
        try:
            target = resolver.lookup(reference).contents
        except Unresolvable:
            return False
        following = target.get("$ref") if isinstance(target, dict) else None
        if not isinstance(following, str):
            return isinstance(target, dict | bool)
        reference = following
    return False


def _made_problems(tool: Tool) -> list[str]:
    found = []
    if len(tool.description.split()) < 2:
        found.append("undescribed")
    if any(not isinstance(p, dict) or not _has_type(p) for p in tool.properties.values()):
        found.append("type")
    if _has_pattern(tool.parameters):
        found.append("pattern")
    if not _keywords(tool.parameters) <= KEYWORDS | ANNOTATIONS:
        found.append("keyword")
    return found if found or _has_example(tool) else ["no-example"]


def alike(tools: Sequence[Tool]) -> bool:
    """Whether two tools cannot be told apart: one name but for its spelling, or one description and the same parameters."""
    names = {re.sub(r"[^a-z0-9]", "", t.name.casefold()) or t.name for t in tools}
    uses = {canonical_json([" ".join(t.description.casefold().split()), t.parameters]) for t in tools}
    return len(names) < len(tools) or len(uses) < len(tools)


def _has_example(tool: Tool) -> bool:
    """Whether arguments can be built that the schema takes: one that nothing fits is no tool."""
    try:
        return checker_of(tool.parameters).errors(example(tool.parameters)) == []
    except Uncheckable:
        return False


def _keywords(schema: Any) -> set[str]:
    """Every keyword of a schema and of the schemas in it."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for keyword, value in schema.items():
        inner = value.values() if keyword in MAPS and isinstance(value, dict) else value if isinstance(value, list) else [value]
        if keyword in MAPS | HOLDERS:
            found |= {k for one in inner for k in _keywords(one)}
    return found


def _has_pattern(value: Any) -> bool:
    """A regular expression that a model wrote could take forever to match; no made tool needs one."""
    if isinstance(value, dict):
        named = isinstance(value.get("pattern"), str) or "patternProperties" in value
        return named or any(_has_pattern(v) for v in value.values())
    return isinstance(value, list) and any(_has_pattern(v) for v in value)


def _has_type(schema: dict[str, Any]) -> bool:
    named = schema.get("type", [])
    kinds = named if isinstance(named, list) else [named]
    return "enum" in schema or "anyOf" in schema or (bool(kinds) and set(kinds) <= TYPES)


def _depth(value: Any) -> int:
    """Nesting depth, measured without recursion: a schema bomb must not be able to end the process."""
    deepest, level = 0, [value]
    while level and deepest <= MAX_DEPTH * 2 + 1:
        deepest += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
            if isinstance(inner, dict | list)
        ]
    # Every schema level is two JSON levels: the schema and its `properties`.
    return deepest // 2
