"""Arguments against a tool's JSON Schema, whatever the schema holds, in bounded time and without the network.

    checker = checker_of({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    checker.errors({"n": 2}) == []
    checker.errors({"m": "2"})     # [Problem("missing-argument", "n", ...), Problem("extra-argument", "m", ...)]

A compiled check (`quick.py`) passes what it can; jsonschema (Draft 2020-12, local references only) says and words every
refusal. Schemas come from users and from models, so each step is counted, patterns run in `regex` with a time limit, and an
argument that the schema does not name is refused unless the schema says that there may be others.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from selfimprove.tools.bounded import BoundedValidator, TooComplex, set_steps
from selfimprove.tools.dialect import is_open_object, standard
from selfimprove.tools.quick import compiled
from selfimprove.tools.subschema import properties, resolve

LARGEST = 400_000
"""Bytes of a schema. The largest of 31,000 published ones that were looked at has about 20,000."""
SMALL = 4_000
"""Bytes of a schema of which thousands are kept."""
MOST_STEPS = 20_000
"""Keywords evaluated for one set of arguments, less than a second."""
MOST_ERRORS = 20
MOST_SCHEMAS = 4_000
"""Objects in a schema, each of which jsonschema checks against the meta-schema, in about half a millisecond."""


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


_plain_validator = BoundedValidator({}, registry=Registry())


class Checker:
    """What checks the arguments of one tool. Built by `checker_of`."""

    def __init__(self, key: bytes, passes: Callable[[Any], bool] | None) -> None:
        self.key, self.passes = key, passes

    @cached_property
    def validator(self) -> Any:
        """jsonschema's, made for the first arguments that do not pass quickly."""
        schema = standard(_read(self.key))
        # What is compiled refers to nothing, so it needs no resolver of its own: half of what a validator costs.
        return _plain_validator.evolve(schema=schema) if self.passes else BoundedValidator(schema, registry=Registry())

    def errors(self, arguments: dict[str, Any]) -> list[Problem]:
        """Every problem, the first twenty; an empty list means valid. Raises Uncheckable."""
        if self.passes and self.passes(arguments):
            return []
        return _errors(self, arguments)


def checker_of(parameters: Any) -> Checker:
    """The checker of a tool's parameters. Raises Uncheckable for parameters that are no usable schema."""
    try:
        # The fastest way to a key that is equal for equal schemas; version 2 writes no references.
        key = marshal.dumps(parameters, 2)
    except ValueError:
        raise Uncheckable("definition-too-deep") from None
    if len(key) > LARGEST:
        raise Uncheckable("definition-too-large")
    known, most = (_small, 8192) if len(key) <= SMALL else (_large, 16)
    found = known.get(key)
    if found is None:
        if len(known) >= most:
            known.clear()
        found = known[key] = _checker(key, parameters)
    if isinstance(found, str):
        raise Uncheckable(found)
    return found


# Bounded by size as well as number: a thousand schemas of 400 KB would fill the memory.
_small: dict[bytes, Checker | str] = {}
_large: dict[bytes, Checker | str] = {}


def _checker(key: bytes, schema: Any) -> Checker | str:
    """Nothing of the schema is kept: it is the caller's, who may change it."""
    if not isinstance(schema, dict):
        return "definition-no-schema"
    quick = compiled(schema)
    if quick:
        return Checker(key, quick)
    if _has_more_objects(schema, MOST_SCHEMAS):
        return "definition-too-complex"
    try:
        made = standard(schema)
        Draft202012Validator.check_schema(made)
    except SchemaError:
        return "definition-no-schema"
    except RecursionError:
        return "definition-too-deep"
    return _unusable(key) or Checker(key, compiled(made))


def _has_more_objects(schema: Any, most: int) -> bool:
    found, waiting = 0, [schema]
    for one in waiting:
        if type(one) is dict:
            found += 1
            if found > most:
                return True
            waiting += one.values()
        elif type(one) is list:
            waiting += one
    return False


def _read(key: bytes) -> Any:
    return marshal.loads(key)  # what `checker_of` wrote, never what came from elsewhere


def _unusable(key: bytes) -> str:
    if b"$dynamicRef" in key or b"$recursiveRef" in key:
        return "definition-bad-ref"
    # jsonschema walks references for unevaluated keywords by itself, uncounted: a small bomb would take for ever.
    return "definition-too-complex" if b"unevaluated" in key and b"$ref" in key else ""


def _errors(checker: Checker, arguments: dict[str, Any]) -> list[Problem]:
    found: list[Problem] = []
    set_steps(MOST_STEPS)
    try:
        for error in checker.validator.iter_errors(arguments):
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
    except (RecursionError, TooComplex, OverflowError, MemoryError):
        raise Uncheckable("too-complex") from None
    named = {(p.code, p.path) for p in found}
    schema = checker.validator.schema
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
