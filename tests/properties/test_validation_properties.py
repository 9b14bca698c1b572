"""The quick check of arguments may pass only what jsonschema passes: otherwise broken calls would be trained."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from selfimprove.tools.dialect import standard
from selfimprove.tools.quick import compiled
from selfimprove.tools.validation import Uncheckable, checker_of
from tests.properties.values import VALUES

NAMES = st.sampled_from("abc")
NUMBER = st.integers(-3, 3) | st.floats(-3, 3)
KINDS = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
LEAF = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True), "enum": st.lists(VALUES, min_size=1, max_size=3),
        "minimum": NUMBER, "maximum": NUMBER, "exclusiveMinimum": NUMBER, "minLength": st.integers(0, 3), "const": VALUES,
        "maxLength": st.integers(0, 3), "minItems": st.integers(0, 2), "maxItems": st.integers(0, 2), "default": VALUES,
        "multipleOf": st.integers(1, 3), "pattern": st.sampled_from(["a", "^b"]), "uniqueItems": st.booleans(),
    },
)  # fmt: skip


def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS, "properties": st.dictionaries(NAMES, inner, max_size=3), "required": st.lists(NAMES, max_size=2,
            unique=True),
            "additionalProperties": st.booleans() | inner, "items": inner, "anyOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2), "not": inner, "patternProperties": st.dictionaries(NAMES, inner,
            max_size=1),
        },
    )  # fmt: skip


SCHEMAS = st.recursive(LEAF, larger, max_leaves=6)
ARGUMENTS = st.dictionaries(NAMES, st.recursive(VALUES, lambda v: st.dictionaries(NAMES, v, max_size=2), max_leaves=4),
max_size=3)


@given(SCHEMAS, ARGUMENTS)
def test_what_passes_quickly_passes_json_schema(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    quick = compiled(schema)
    if quick and quick(arguments):
        assert Draft202012Validator(standard(schema)).is_valid(arguments)


@given(SCHEMAS, ARGUMENTS)
def test_the_checker_agrees_with_json_schema_but_for_undeclared_arguments(schema: Any, arguments: dict[str, Any]) -> None:
    try:
        errors = checker_of(schema).errors(arguments)
    except Uncheckable:
        return
    valid = Draft202012Validator(standard(schema)).is_valid(arguments)
    assert valid or errors
    assert not valid or all(e.code == "extra-argument" for e in errors)


@given(VALUES, ARGUMENTS)
def test_any_value_as_a_schema_gives_a_verdict(schema: Any, arguments: dict[str, Any]) -> None:
    try:
        assert isinstance(checker_of(schema).errors(arguments), list)
    except Uncheckable as reason:
        assert str(reason)
