"""Arguments against a tool's JSON Schema, whatever the schema holds, in bounded time and without the network.

    checker = checker_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    checker.errors({"n": 2}) == []
    checker.errors({"m": "2"})     # [Problem("missing-argument", "n", ...), Problem("extra-argument", "m", ...)]

A compiled check (`quick.py`) passes what it can; jsonschema (Draft 2020-12, local references only) says and words every
refusal. Schemas come from users and from models, so each step is counted, patterns run in `regex` with a time limit, and an
argument that the schema does not name is refused unless the schema says that there may be others.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from selfimprove.tools.canonical import canonical_value
from selfimprove.tools.dialect import is_open_object, standard
from selfimprove.tools.quick import compiled
from selfimprove.tools.subschema import properties, resolve

LARGEST = 400_000
"""Bytes of a schema. The largest of 31,000 published ones that were looked at has about 20,000."""
SMALL = 4_000
"""Bytes of a schema of which thousands are kept."""
MOST_STEPS = 20_000
"""Keywords evaluated for one set of arguments, less than a second; following a reference costs as much as ten."""
PATTERN_SECONDS = 0.2
MOST_ERRORS = 20


@dataclass(frozen=True)
class Problem:
    """`code` is missing-argument, extra-argument or wrong-argument; `path` joins names and positions with dots."""

    code: str
    path: str
    text: str
    sure: bool = True
    """False for what stands in an object inside that names other properties: JSON Schema allows it, the tool may not."""


class Uncheckable(Exception):  # noqa: N818 - a reason, not a fault
    """The arguments cannot be checked; the message is a reason code: definition-RULE, too-complex or pattern-timeout."""


class Checker:
    """What checks the arguments of one tool. Built by `checker_of`."""

    def __init__(self, parameters: dict[str, Any], passes: Callable[[Any], bool] | None) -> None:
        self.parameters, self.passes = parameters, passes

    @cached_property
    def schema(self) -> dict[str, Any]:
        found = standard(self.parameters)
        assert isinstance(found, dict)
        return found

    def errors(self, arguments: dict[str, Any]) -> list[Problem]:
        """Every problem, the first twenty; an empty list means valid. Raises Uncheckable."""
        if self.passes and self.passes(arguments):
            return []
        return _errors(self.schema, arguments)


def checker_of(parameters: Any) -> Checker:
    """The checker of a tool's parameters. Raises Uncheckable for parameters that are no usable schema."""
    try:
        # The fastest way to a key that is equal for equal schemas; version 2 writes no references.
        key = marshal.dumps(parameters, 2)
    except ValueError:
        raise Uncheckable("definition-too-deep") from None
    if len(key) > LARGEST:
        raise Uncheckable("definition-too-large")
    found = _small(key) if len(key) <= SMALL else _large(key)
    if isinstance(found, str):
        raise Uncheckable(found)
    return found


def _checker(key: bytes) -> Checker | str:
    schema = marshal.loads(key)  # what was just written above, never what came from elsewhere
    if not isinstance(schema, dict):
        return "definition-no-schema"
    quick = compiled(schema)
    if quick:
        return Checker(schema, quick)
    try:
        made = standard(schema)
        Draft202012Validator.check_schema(made)
    except SchemaError:
        return "definition-no-schema"
    except RecursionError:
        return "definition-too-deep"
    return _unusable(key) or Checker(schema, compiled(made))


# Bounded by size as well as number: a thousand schemas of 400 KB would fill the memory.
_small = lru_cache(maxsize=8192)(_checker)
_large = lru_cache(maxsize=16)(_checker)


def _unusable(key: bytes) -> str:
    if b"$dynamicRef" in key or b"$recursiveRef" in key:
        return "definition-bad-ref"
    # jsonschema walks references for unevaluated keywords by itself, uncounted: a small bomb would take for ever.
    return "definition-too-complex" if b"unevaluated" in key and b"$ref" in key else ""


def _errors(schema: dict[str, Any], arguments: dict[str, Any]) -> list[Problem]:
    found: list[Problem] = []
    _steps.left = MOST_STEPS
    try:
        validator = _Bounded(schema, registry=Registry())
        for error in validator.iter_errors(arguments):
            found += _problems(error)
            if len(found) >= MOST_ERRORS:
                return found
    except Unresolvable as error:
        remote = not str(error.ref).startswith("#")
        raise Uncheckable("definition-remote-ref" if remote else "definition-bad-ref") from None
    except TimeoutError:
        raise Uncheckable("pattern-timeout") from None
    except regex.error:
        raise Uncheckable("definition-pattern") from None
    except (RecursionError, _TooComplex, OverflowError, MemoryError):
        raise Uncheckable("too-complex") from None
    named = {(p.code, p.path) for p in found}
    return found + [p for p in _extras(arguments, schema, schema, (), top=True) if (p.code, p.path) not in named]


def _problems(error: ValidationError) -> list[Problem]:
    path = [str(part) for part in error.absolute_path]
    text = error.message if len(error.message) <= 200 else error.message[:197] + "..."
    if error.validator == "required" and isinstance(error.instance, dict):
        required: Any = error.validator_value
        missing = [n for n in required if n not in error.instance and repr(n) in error.message]
        return [Problem("missing-argument", ".".join([*path, n]), text) for n in missing]
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties") or {} if isinstance(error.schema, dict) else {}
        return [Problem("extra-argument", ".".join([*path, n]), text) for n in error.instance if n not in known]
    return [Problem("wrong-argument", ".".join(path), text)]


def _extras(value: Any, schema: Any, root: dict[str, Any], path: tuple[str, ...], *, top: bool = False) -> Iterator[Problem]:
    """Arguments that no schema names, on every level: JSON Schema lets them pass, a tool would not."""
    one = resolve(schema, root)
    if isinstance(value, dict):
        inner = properties(one, root)
        # A union whose branches name the properties is closed by them.
        is_open = is_open_object({**one, "properties": inner}, top=top)
        for name, item in value.items():
            if name in inner:
                yield from _extras(item, inner[name], root, (*path, name))
            elif not is_open:
                shown = ".".join([*path, name])
                yield Problem("extra-argument", shown, f"{shown[:60]!r} is no parameter of the tool", sure=top)
    elif isinstance(value, list) and isinstance(one.get("items"), dict):
        for position, item in enumerate(value):
            yield from _extras(item, one["items"], root, (*path, str(position)))


class _TooComplex(Exception):  # noqa: N818
    """More steps than one set of arguments may take."""


class _Steps:
    left = MOST_STEPS


_steps = _Steps()


def _counted(function: Callable[..., Any], cost: int) -> Callable[..., Iterator[ValidationError]]:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        _steps.left -= cost
        if _steps.left < 0:
            raise _TooComplex
        yield from function(validator, value, instance, schema) or ()

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
    "additionalProperties": _additional,
    "uniqueItems": _unique,
}
_Bounded = extend(Draft202012Validator, {n: _counted(f, 10 if n == "$ref" else 1) for n, f in _KEYWORDS.items()})
