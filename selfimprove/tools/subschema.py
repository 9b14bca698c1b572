"""The schema of an argument, found without a validator: local references followed, nullable unions opened, type names mended.

    properties({"type": "dict", "properties": {"n": {"type": "int"}}}) == {"n": {"type": "int"}}
    types({"type": "int"}) == {"integer"}

What it is not: validation, and not a full resolver: what cannot be followed in a few steps is `{}`, "nothing is known".
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

ALIASES = {
    "dict": "object", "hashmap": "object", "map": "object", "float": "number", "double": "number", "decimal": "number",
    "int": "integer", "long": "integer", "short": "integer", "byte": "integer", "bigint": "integer", "str": "string",
    "char": "string", "text": "string", "bool": "boolean", "list": "array", "tuple": "array", "set": "array",
    "arraylist": "array", "none": "null", "nonetype": "null",
}  # fmt: skip
"""Type names of other dialects (BFCL, ToolACE, xLAM, Java) in JSON Schema's words."""
NAMES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
MOST_STEPS = 16


def type_name(name: Any) -> str | None:
    """A type in JSON Schema's words; None for one that says nothing (`any`) or is not known."""
    if not isinstance(name, str):
        return None
    if name in NAMES:
        return name
    low = name.split(",")[0].strip().casefold()
    low = ALIASES.get(low, low)
    return low if low in NAMES else None


def types(schema: Any) -> frozenset[str]:
    """The types that a schema names; empty when it names none, or one that is not known."""
    if not isinstance(schema, dict):
        return frozenset()
    said = schema.get("type")
    names = [type_name(name) for name in (said if isinstance(said, list) else [said])]
    return frozenset(n for n in names if n) if all(names) else frozenset()


def resolve(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    """The schema itself behind local references and unions that have one branch beside null; `{}` where that fails."""
    if not isinstance(schema, dict):
        return {}
    # Written out here and below: a walk over all keys, or a call, would cost more than what it looks for.
    if not ("$ref" in schema or "anyOf" in schema or "oneOf" in schema or "allOf" in schema):
        return schema
    found: dict[str, Any] = schema
    for _ in range(MOST_STEPS):
        following = _next(found, root)
        if not isinstance(following, dict):
            return {}
        same = following is found
        found = following
        if same:
            return found
    return {}


def _next(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _with_siblings(lookup(reference, root), schema, "$ref")
    for keyword in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and "type" not in schema and "properties" not in schema:
            real = [b for b in branches[:MOST_STEPS] if isinstance(b, dict) and b.get("type") != "null"]
            if len(real) == 1:
                return _with_siblings(real[0], schema, keyword)
    return schema


def _with_siblings(target: Any, schema: dict[str, Any], keyword: str) -> Any:
    """What stands beside a reference counts too: most often the default."""
    beside = {k: v for k, v in schema.items() if k != keyword}
    return {**target, **beside} if isinstance(target, dict) and beside else target


def allows_null(schema: Any, root: dict[str, Any]) -> bool:
    """Whether null is one of the values that a schema names."""
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        schema = resolve(schema, root)
    said, allowed = schema.get("type"), schema.get("enum")
    if said == "null" or schema.get("nullable") is True or (isinstance(said, list) and "null" in said):
        return not isinstance(allowed, list) or None in allowed
    branches = [b for k in ("anyOf", "oneOf") if isinstance(schema.get(k), list) for b in schema[k][:MOST_STEPS]]
    return any(isinstance(b, dict) and b.get("type") == "null" for b in branches)


def lookup(reference: str, root: dict[str, Any]) -> Any:
    """What a local JSON pointer names; None when nothing is there, or the reference is not local."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for part in reference[1:].split("/")[1:]:
        part = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def properties(schema: Any, root: dict[str, Any] | None = None) -> dict[str, Any]:
    """Name -> schema of an object's properties, those of its `allOf`, `anyOf` and `oneOf` branches included."""
    if isinstance(schema, dict) and not (
        "$ref" in schema or "anyOf" in schema or "oneOf" in schema or "allOf" in schema or "then" in schema or "else" in schema
    ):
        plain = schema.get("properties")
        return plain if isinstance(plain, dict) else {}
    root = schema if root is None and isinstance(schema, dict) else root or {}
    found: dict[str, Any] = {}
    level, steps = [schema], 0
    while level and steps < 64:
        steps += 1
        one = resolve(level.pop(), root)
        inner = one.get("properties")
        if isinstance(inner, dict):
            found = {**inner, **found}
        for keyword in ("allOf", "anyOf", "oneOf"):
            branches = one.get(keyword)
            if isinstance(branches, list):
                level.extend(branches[:MOST_STEPS])
        level.extend(one[k] for k in ("then", "else") if k in one)
    return found
