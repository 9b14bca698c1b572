"""Schemas as the world writes them -> Draft 2020-12: other dialects' type names, Draft 4 and 7 forms, OpenAPI's `nullable`.

    standard({"type": "dict", "properties": {"n": {"type": "int", "required": True}}})
    == {"type": "object", "properties": {"n": {"type": "integer"}}}

Only what the standard knows is kept, so nothing unknown (another `$schema`, an `$id`) can change how the rest is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selfimprove.tools.subschema import type_name

ANNOTATIONS = frozenset({
    "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "$comment",
    "contentEncoding", "contentMediaType", "contentSchema", "$schema", "$id", "id", "$vocabulary",
})  # fmt: skip
"""Keywords that refuse no value."""
_ONE = frozenset({"not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "unevaluatedItems",
                  "unevaluatedProperties"})  # fmt: skip
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
MAX_DEPTH = 64
"""Schemas in schemas. jsonschema checks each level with a dozen frames of Python."""
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose values are schemas by name."""
HOLDERS = _ONE | _LIST | {"items", "additionalItems"}
"""Keywords whose values are a schema or a list of them."""
_PLAIN = frozenset({
    "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties", "maxProperties", "required",
    "dependentRequired", "$ref", "$anchor", "default",
})  # fmt: skip
KEYWORDS = _ONE | _LIST | MAPS | _PLAIN | {"type", "items", "additionalItems", "dependencies", "nullable", "$dynamicRef",
                                           "$recursiveRef"}  # fmt: skip
"""Keywords that can refuse a value, or that others refer to."""


def standard(schema: Any, depth: int = 0) -> Any:
    """A schema in Draft 2020-12. What is malformed stays as it is: the check of the schema finds it. Raises RecursionError for
    one that is nested deeper than any tool's."""
    if not isinstance(schema, dict):
        return schema
    if depth > MAX_DEPTH:
        raise RecursionError
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _PLAIN:
            made[keyword] = value
        elif keyword in _ONE:
            made[keyword] = standard(value, depth + 1)
        elif keyword in _LIST and isinstance(value, list):
            made[keyword] = [standard(one, depth + 1) for one in value]
        elif keyword in MAPS and isinstance(value, dict):
            made[keyword] = {name: standard(one, depth + 1) for name, one in value.items()}
        elif keyword in KEYWORDS and keyword not in _MEND:
            made[keyword] = value
    for keyword, mend in _MEND.items():
        if keyword in schema:
            mend(schema[keyword], made, schema, depth)
    return made


def _type(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
    names = [type_name(name) for name in (value if isinstance(value, list) else [value])]
    if names and None not in names:
        # A name that nobody knows ("any", "file") says nothing.
        made["type"] = list(dict.fromkeys(names)) if isinstance(value, list) else names[0]


def _items(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
    if isinstance(value, list):
        made["prefixItems"] = [standard(one, depth + 1) for one in value]
        if "additionalItems" in schema:
            made["items"] = standard(schema["additionalItems"], depth + 1)
    else:
        made["items"] = standard(value, depth + 1)


def _dependencies(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
    if isinstance(value, dict):
        made["dependentRequired"] = {n: v for n, v in value.items() if isinstance(v, list)}
        made["dependentSchemas"] = {n: standard(v, depth + 1) for n, v in value.items() if not isinstance(v, list)}


def _exclusive(keyword: str, plain: str) -> Callable[[Any, dict[str, Any], dict[str, Any], int], None]:
    def mend(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
        if isinstance(value, bool):
            del made[keyword]
            if value and plain in made:
                made[keyword] = made.pop(plain)

    return mend


def _required(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
    if isinstance(value, bool):
        del made["required"]


def _nullable(value: Any, made: dict[str, Any], schema: dict[str, Any], depth: int) -> None:
    if value is True and "type" in made:
        names = made["type"] if isinstance(made["type"], list) else [made["type"]]
        made["type"] = list(dict.fromkeys([*names, "null"]))
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]


_MEND: dict[str, Callable[[Any, dict[str, Any], dict[str, Any], int], None]] = {
    "type": _type,
    "items": _items,
    "dependencies": _dependencies,
    "exclusiveMinimum": _exclusive("exclusiveMinimum", "minimum"),
    "exclusiveMaximum": _exclusive("exclusiveMaximum", "maximum"),
    "required": _required,
    "nullable": _nullable,
}


def is_open_object(schema: dict[str, Any], *, top: bool = False) -> bool:
    """Whether an object may hold what its schema does not name. A tool's own arguments may not unless it says so; an object
    inside may when nothing at all is named."""
    more = schema.get("additionalProperties")
    if more is not None:
        return more is not False
    return bool(schema.get("patternProperties")) or (not top and not schema.get("properties"))
