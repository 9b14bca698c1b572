"""A schema compiled into one function that passes most valid arguments in microseconds. It never says why something fails.

    passes = compiled({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}})
    passes({"n": 2}) is True

It is sound, not complete: what passes here passes JSON Schema (Draft 2020-12) and has no undeclared argument; what does not
goes to `validation.py`, where jsonschema decides and words it. A schema with a keyword that is not compiled here (references,
patterns, negation, ...) gives None. Nothing of the schema is kept, so it may change afterwards.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from typing import Any

from selfimprove.tools.canonical import is_same
from selfimprove.tools.dialect import ANNOTATIONS, KEYWORDS, is_open_object
from selfimprove.tools.subschema import ALIASES, type_name

Check = Callable[[Any], bool]
MAX_DEPTH = 24


class _NotCompiled(Exception):  # noqa: N818
    """The schema needs the full validator."""


def compiled(schema: Any) -> Check | None:
    """A function that says True only for valid values; None for a schema that is not compiled."""
    if isinstance(schema, dict) and schema.keys().isdisjoint(("properties", "required", "additionalProperties")):
        schema = {**schema, "properties": {}}
    try:
        return _compile(schema, 0)
    except (_NotCompiled, RecursionError):
        return None


def _compile(schema: Any, depth: int) -> Check:
    if schema is True or schema == {}:
        return _anything
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        raise _NotCompiled
    checks: list[Check] = []
    for keyword, value in schema.items():
        make = _COMPILE.get(keyword)
        if make is not None:
            checks += make(value, schema, depth)
        elif keyword in _REFUSED:
            raise _NotCompiled
    if not checks:
        return _anything
    return checks[0] if len(checks) == 1 else _all(checks)


def _anything(value: Any) -> bool:
    return True


def _all(checks: list[Check]) -> Check:
    fixed = tuple(checks)

    def check(value: Any) -> bool:
        for one in fixed:  # noqa: SIM110 - a generator here costs a third of the speed
            if not one(value):
                return False
        return True

    return check


def _is_integer(value: Any) -> bool:
    kind = type(value)
    return kind is int or (kind is float and value.is_integer())


_TYPES: dict[str, Check] = {
    "string": lambda v: type(v) is str,
    "integer": _is_integer,
    "number": lambda v: type(v) is int or type(v) is float,
    "boolean": lambda v: type(v) is bool,
    "array": lambda v: type(v) is list,
    "object": lambda v: type(v) is dict,
    "null": lambda v: v is None,
}
_NAMED_TYPES = _TYPES | {alias: _TYPES[name] for alias, name in ALIASES.items()}
_WORDS = ANNOTATIONS | {"type"}
"""The keywords of most properties: a type, and what refuses nothing."""


def _type(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    if schema.get("nullable"):
        raise _NotCompiled
    if type(value) is str and value in _NAMED_TYPES:
        return [_NAMED_TYPES[value]]
    names = [type_name(name) for name in (value if isinstance(value, list) else [value])]
    if not names or None in names:
        raise _NotCompiled
    checks = [_TYPES[str(name)] for name in names]
    return checks if len(checks) == 1 else [lambda v: any(check(v) for check in checks)]


def _enum(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    if not isinstance(value, list) or schema.get("nullable"):
        raise _NotCompiled
    if all(type(v) is str for v in value):
        allowed = frozenset(value)
        return [lambda v: type(v) is str and v in allowed]
    kept = _copy(value)
    return [lambda v: any(is_same(v, one) for one in kept)]


def _const(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    kept = _copy(value)
    return [lambda v: is_same(v, kept)]


def _copy(value: Any) -> Any:
    try:
        return marshal.loads(marshal.dumps(value, 2))
    except ValueError:
        raise _NotCompiled from None


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _bound(holds: Callable[[Any, Any], bool]) -> Callable[[Any, dict[str, Any], int], list[Check]]:
    def make(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
        if not _number(value):
            raise _NotCompiled
        return [lambda v: not _number(v) or holds(v, value)]

    return make


def _size(kind: type, holds: Callable[[int, int], bool]) -> Callable[[Any, dict[str, Any], int], list[Check]]:
    def make(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
        if type(value) is not int:
            raise _NotCompiled
        return [lambda v: type(v) is not kind or holds(len(v), value)]  # type: ignore[arg-type]

    return make


def _properties(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    """`properties`, `required` and `additionalProperties` together: one pass over the object."""
    named, required = schema.get("properties", {}), schema.get("required", [])
    more = schema.get("additionalProperties")
    if not isinstance(named, dict) or not isinstance(required, list) or not all(type(n) is str for n in required):
        raise _NotCompiled
    if more is not None and more is not False and more is not True and more != {}:
        raise _NotCompiled
    inner = {name: _plain_type(one, depth) or _compile(one, depth + 1) for name, one in named.items()}
    is_open = is_open_object(schema, top=depth == 0)
    required = tuple(required)

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return True
        for name in required:
            if name not in value:
                return False
        for name, one in value.items():
            if name in inner:
                if not inner[name](one):
                    return False
            elif not is_open:
                return False
        return True

    return [check]


def _plain_type(schema: Any, depth: int) -> Check | None:
    """The check of a property that has a type and nothing else that could refuse a value."""
    if type(schema) is dict and depth < MAX_DEPTH and _WORDS.issuperset(schema):
        named = schema.get("type")
        return _NAMED_TYPES.get(named) if type(named) is str else None
    return None


def _once(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    return [] if "properties" in schema else _properties(value, schema, depth)


def _items(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    if not isinstance(value, dict | bool):
        raise _NotCompiled
    one = _compile(value, depth + 1)
    return [] if one is _anything else [lambda v: type(v) is not list or all(map(one, v))]


def _any_of(value: Any, schema: dict[str, Any], depth: int) -> list[Check]:
    if not isinstance(value, list) or not value or "properties" in schema:
        raise _NotCompiled
    branches = [_compile(one, depth + 1) for one in value]
    return [lambda v: any(branch(v) for branch in branches)]


_COMPILE: dict[str, Callable[[Any, dict[str, Any], int], list[Check]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "required": _once,
    "additionalProperties": _once,
    "items": _items,
    "anyOf": _any_of,
    "minimum": _bound(lambda v, least: v >= least),
    "maximum": _bound(lambda v, most: v <= most),
    "exclusiveMinimum": _bound(lambda v, least: v > least),
    "exclusiveMaximum": _bound(lambda v, most: v < most),
    "minLength": _size(str, lambda n, least: n >= least),
    "maxLength": _size(str, lambda n, most: n <= most),
    "minItems": _size(list, lambda n, least: n >= least),
    "maxItems": _size(list, lambda n, most: n <= most),
}
_WITH_OTHERS = frozenset({"nullable", "$defs", "definitions"})
"""Keywords that say nothing by themselves."""
_REFUSED = KEYWORDS - ANNOTATIONS - _WITH_OTHERS - _COMPILE.keys()
