"""jsonschema's Draft 2020-12 validator with an end: steps and depth are counted, patterns have a time limit, nothing is fetched.

    set_steps(20_000); list(BoundedValidator(schema, registry=Registry()).iter_errors(arguments))

Raises TooComplex when the steps are used up, TimeoutError for a pattern that takes too long, regex.error for one that is none.
What it is not: another reading of JSON Schema. Only how a keyword gets to its answer differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from selfimprove.tools.canonical import canonical_value

PATTERN_SECONDS = 0.2
MOST_NESTED = 150
"""Keywords inside keywords, at three frames of Python each. At Python's own limit the library below jsonschema (rpds) does not
raise RecursionError but a panic that is no Exception."""
_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}


class TooComplex(Exception):  # noqa: N818 - a reason, not a fault
    """More steps than one set of arguments may take."""


class _Steps:
    left = 0
    nested = 0


_steps = _Steps()


def set_steps(count: int) -> None:
    """How many keywords may be evaluated from now on; following a reference costs as much as ten."""
    _steps.left, _steps.nested = count, 0


def _counted(function: Callable[..., Any], cost: int) -> Callable[..., Iterator[ValidationError]]:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _steps.left -= cost
        if _steps.left < 0 or _steps.nested >= MOST_NESTED:
            raise TooComplex
        _steps.nested += 1
        try:
            yield from function(validator, value, instance, schema) or ()
        finally:
            _steps.nested -= 1

    return check


def _pattern(validator: Any, value: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not regex.search(value, instance, timeout=PATTERN_SECONDS):
        yield ValidationError(f"{instance!r} does not match {value!r}")


def _pattern_properties(validator: Any, value: dict[str, Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    for pattern, inner in value.items() if isinstance(instance, dict) else ():
        for name, item in instance.items():
            if regex.search(pattern, name, timeout=PATTERN_SECONDS):
                yield from validator.descend(item, inner, path=name, schema_path=pattern)


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = list(schema.get("patternProperties") or ())
    named = schema.get("properties") or ()
    more = [
        name
        for name in instance
        if name not in named and not any(regex.search(p, name, timeout=PATTERN_SECONDS) for p in patterns)
    ]
    if value is False and more:
        yield ValidationError(f"{', '.join(map(repr, more[:5]))} may not be given")
    elif isinstance(value, dict):
        for name in more:
            yield from validator.descend(instance[name], value, path=name)


def _properties(validator: Any, value: dict[str, Any], instance: Any, schema: Any) -> Iterator[ValidationError]:
    """jsonschema makes a validator for each property; most need nothing but their type."""
    for name, inner in value.items() if isinstance(instance, dict) else ():
        if name in instance:
            if _is_of_plain_type(instance[name], inner):
                _steps.left -= 1
                continue
            yield from validator.descend(instance[name], inner, path=name, schema_path=name)


def _is_of_plain_type(value: Any, schema: Any) -> bool:
    if type(schema) is not dict or len(schema) > 1 + ("default" in schema):
        return False
    kind = schema.get("type")
    return type(kind) is str and type(value) is _TYPES.get(kind)


def _multiple_of(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """jsonschema divides floats, so that 19.99 is no multiple of 0.01: here numbers are what is written."""
    if isinstance(instance, bool) or not isinstance(instance, int | float) or not isinstance(value, int | float) or value <= 0:
        return
    if Fraction(repr(instance)) % Fraction(repr(value)):
        yield ValidationError(f"{instance!r} is not a multiple of {value!r}")


def _unique(validator: Any, value: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """jsonschema compares every pair."""
    if value and isinstance(instance, list):
        texts = [json.dumps(canonical_value(item, profile="strict"), sort_keys=True) for item in instance]
        if len(set(texts)) < len(texts):
            yield ValidationError("has the same element twice")


_KEYWORDS: dict[str, Any] = {
    **Draft202012Validator.VALIDATORS,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "properties": _properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique,
    "multipleOf": _multiple_of,
}
BoundedValidator = extend(Draft202012Validator, {n: _counted(f, 10 if n == "$ref" else 1) for n, f in _KEYWORDS.items()})
