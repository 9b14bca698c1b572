"""Drawing calls from tools' own schemas: the gold of a problem whose request the model then writes.

    draw_call(tool, random.Random(1), values)     # Call(name=..., arguments={...}), valid against the schema

Values come from the schema (enum, examples, bounds, format), then from what labelled problems gave a parameter of the same
name, then from a small word list. What this is not: a test-data generator for every keyword of JSON Schema; a draw that the
schema refuses is dropped.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from jsonschema import Draft202012Validator

from selfimprove.records import Call, Sample, Tool

Values = Mapping[str, list[Any]]
OPTIONAL_SHARE = 0.35
WORDS = (
    "Anna Berg", "the quarterly report", "Lisbon", "blue lantern", "garden tools", "Nora", "winter coat", "Riverside Hall",
    "green tea", "project Falcon", "Oslo", "spare keys", "Milan", "weekend plans", "Tom Hale", "jazz piano",
)  # fmt: skip


def known_values(samples: Iterable[Sample]) -> dict[str, list[Any]]:
    """Values that labelled problems gave to parameters, by parameter name, in a stable order."""
    found: dict[str, list[Any]] = {}
    for sample in samples:
        for call in sample.answer.calls if sample.answer else ():
            for name, value in call.arguments.items():
                if value not in found.setdefault(name, []):
                    found[name].append(value)
    return found


def draw_call(tool: Tool, rng: random.Random, values: Values) -> Call | None:
    """A call with every required and some optional arguments; None when no valid one was found in a few tries."""
    validator = Draft202012Validator(tool.parameters)
    for _ in range(5):
        arguments = _object(tool.parameters, rng, values)
        if validator.is_valid(arguments):
            return Call(name=tool.name, arguments=arguments)
    return None


def _object(schema: dict[str, Any], rng: random.Random, values: Values) -> dict[str, Any]:
    required = schema.get("required") or []
    made = {}
    for name, inner in (schema.get("properties") or {}).items():
        inner = inner if isinstance(inner, dict) else {}
        if name in required or rng.random() < OPTIONAL_SHARE:
            value = _value(name, inner, rng, values)
            # A default that a user states is rare and makes two right answers of one: it is left out.
            if name in required or "default" not in inner or value != inner["default"]:
                made[name] = value
    return made


def _value(name: str, schema: dict[str, Any], rng: random.Random, values: Values) -> Any:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    if schema.get("anyOf"):
        options = [s for s in schema["anyOf"] if isinstance(s, dict) and s.get("type") != "null"]
        return _value(name, options[0] if options else {}, rng, values)
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "string")
    known = [*(schema.get("examples") or []), *(v for v in values.get(name, ()) if _is(v, kind))]
    if known and rng.random() < 0.9:
        return rng.choice(known)
    return _fresh(name, kind, schema, rng, values)


def _fresh(name: str, kind: str, schema: dict[str, Any], rng: random.Random, values: Values) -> Any:
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "integer":
        return rng.randint(*_bounds(schema, 1, 60))
    if kind == "number":
        low, high = _bounds(schema, 1, 200)
        if not schema.get("minimum", low) <= low <= high <= schema.get("maximum", high):
            # No whole number fits between the bounds.
            return round(rng.uniform(schema.get("minimum", low), schema.get("maximum", high)), 2)
        return rng.choice([rng.randint(low, high), round(rng.uniform(low, high), 1)])
    if kind == "array":
        items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
        least = max(1, schema.get("minItems", 1))
        count = rng.randint(least, max(least, min(3, schema.get("maxItems", 3))))
        return [_value(name, items or {}, rng, values) for _ in range(count)]
    if kind == "object":
        return _object(schema, rng, values)
    return _text(schema, rng)


def _bounds(schema: dict[str, Any], low: int, high: int) -> tuple[int, int]:
    least = schema.get("minimum", schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else low)
    most = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else max(high, least + 50))
    return int(least), max(int(least), int(most))


def _text(schema: dict[str, Any], rng: random.Random) -> str:
    if schema.get("format") == "date":
        return (date(2026, 1, 5) + timedelta(days=rng.randrange(700))).isoformat()
    if schema.get("format") == "time":
        return f"{rng.randrange(6, 23):02d}:{rng.choice((0, 15, 30, 45)):02d}"
    return rng.choice(WORDS)


def _is(value: Any, kind: str) -> bool:
    types: dict[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "array": (list,), "object": (dict,), "boolean": (bool,),
    }  # fmt: skip
    return isinstance(value, types.get(kind, (object,))) and (kind == "boolean") == isinstance(value, bool)
