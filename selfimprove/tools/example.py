"""The plainest arguments that a schema takes, built without chance. It shows that a made tool can be called at all.

    example({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}) == {"n": 3}

What it is not: a solver. A schema whose keywords contradict each other gives an example that does not fit, which is the point.
"""

from __future__ import annotations

from typing import Any

from selfimprove.tools.subschema import properties, resolve, types

LARGEST = 64
"""Elements of a list and characters of a text that an example may need."""
_FORMATS = {
    "date": "2026-01-05", "time": "09:30:00", "date-time": "2026-01-05T09:30:00Z", "email": "anna@example.org",
    "uri": "https://example.org", "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip


def example(schema: Any, root: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """A value of the schema's first type; required properties only."""
    root = root if root is not None else schema if isinstance(schema, dict) else {}
    one = resolve(schema, root)
    for keyword in ("const", "default"):
        if keyword in one and depth:
            return one[keyword]
    for keyword in ("enum", "examples", "anyOf", "oneOf"):
        if isinstance(one.get(keyword), list) and one[keyword] and depth:
            first = one[keyword][0]
            return example(first, root, depth + 1) if keyword in ("anyOf", "oneOf") else first
    named = types(one) - {"null"} or ({"object"} if properties(one, root) or not depth else {"string"})
    return _of_type(sorted(named)[0], one, root, depth)


def _of_type(kind: str, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    if kind == "object":
        inner, required = properties(schema, root), schema.get("required")
        names = required if isinstance(required, list) and depth < 16 else []
        return {n: example(inner.get(n, {}), root, depth + 1) for n in names if isinstance(n, str)}
    if kind == "array":
        least = _number(schema.get("minItems"), 0)
        return [example(schema.get("items", {}), root, depth + 1)] * int(min(max(least, 1), LARGEST)) if depth < 16 else []
    if kind in ("integer", "number"):
        return _fitting(schema)
    if kind == "boolean":
        return True
    text = _FORMATS.get(str(schema.get("format")), "text")
    text = text + "x" * int(min(max(_number(schema.get("minLength"), 0) - len(text), 0), LARGEST))
    return text[: int(max(0, _number(schema.get("maxLength"), LARGEST * 2)))]


def _fitting(schema: dict[str, Any]) -> float:
    low = _number(schema.get("minimum"), 1)
    above = schema.get("exclusiveMinimum")
    if not isinstance(above, bool) and isinstance(above, int | float):
        low = max(low, above + 1) if "minimum" in schema else above + 1
    high = min(_number(schema.get("maximum"), low), _number(schema.get("exclusiveMaximum"), low + 1) - 1)
    value = min(low, high) if high < low and "minimum" not in schema and above is None else low
    step = _number(schema.get("multipleOf"), 0)
    return -(-value // step) * step if step > 0 else value


def _number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
