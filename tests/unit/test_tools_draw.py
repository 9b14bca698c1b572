"""Drawn calls and their values: the gold of constructed problems, so a wrong one would be trained."""

from __future__ import annotations

import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from selfimprove.config.model import Data
from selfimprove.records import Answer, Call, Sample, Tool
from selfimprove.tools.data import SEEDS, load_data
from selfimprove.tools.draw import draw_call, known_values
from selfimprove.tools.grounding import ungrounded
from selfimprove.tools.pool import read_pool


def tool(required: bool = True, **properties: Any) -> Tool:
    parameters = {"type": "object", "properties": properties, "required": list(properties) if required else []}
    return Tool(name="f", description="Does it.", parameters=parameters)


def test_every_call_drawn_for_every_seed_tool_fits_its_schema() -> None:
    values = known_values(load_data(Data()).bootstrap)
    for entry in read_pool(SEEDS / "tools.jsonl").entries.values():
        validator = Draft202012Validator(entry.tool.parameters)
        for seed in range(10):
            call = draw_call(entry.tool, random.Random(seed), values)
            assert call is not None, entry.tool.name
            assert validator.is_valid(call.arguments), call
            assert set(entry.tool.required) <= call.arguments.keys()


def test_the_same_seed_draws_the_same_call() -> None:
    drawn = [draw_call(tool(x={"type": "integer"}, y={"type": "string"}), random.Random(3), {}) for _ in range(2)]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 5, "items": {"type": "integer"}},
        {"type": "number", "minimum": 0.2, "maximum": 0.8},
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
        {"type": ["null", "boolean"]},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"]}]},
        {"const": "x"}, {"type": "string", "format": "date"}, {"type": "string", "format": "time"}, True, {},
    ],
)  # fmt: skip
def test_schemas_that_users_write_can_be_drawn(schema: Any) -> None:
    for seed in range(20):
        call = draw_call(tool(x=schema), random.Random(seed), {})
        assert call is not None and "x" in call.arguments


def test_a_schema_that_cannot_be_drawn_costs_only_that_call() -> None:
    assert draw_call(tool(x={"type": "string", "pattern": "^[0-9]{9}$"}), random.Random(1), {}) is None
    assert draw_call(tool(x={"type": "array", "maxItems": 0}), random.Random(1), {}) is None


def test_a_default_is_never_stated_where_it_may_be_left_out() -> None:
    made = [draw_call(tool(False, x={"enum": [1, 2], "default": 1}), random.Random(n), {}) for n in range(60)]
    assert {c.arguments.get("x") for c in made if c} == {None, 2}


def test_values_come_from_labelled_problems_of_the_right_type() -> None:
    answer = Answer(calls=(Call(name="g", arguments={"city": "Quito", "n": "three"}),))
    values = known_values([Sample(id="a", query="b", answer=answer), Sample(id="c", query="d")])
    assert values == {"city": ["Quito"], "n": ["three"]}
    made = [draw_call(tool(city={"type": "string"}, n={"type": "integer"}), random.Random(n), values) for n in range(40)]
    assert sum(c is not None and c.arguments["city"] == "Quito" for c in made) > 20
    assert all(c is not None and isinstance(c.arguments["n"], int) for c in made)


CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3}}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"city": "Oslo"}, "weather in OSLO please"), ({"days": 4}, "for four days"), ({"days": 3}, "no number at all"),
        ({"x": 1200}, "about 1,200 meters"), ({"x": 0.5}, "half a liter"), ({"x": True}, "whatever"), ({"x": None}, ""),
        ({"x": "two_words"}, "Two  Words"), ({"x": ["a", "b"]}, "a then b"), ({"x": {"y": "deep"}}, "so deep"), ({"x": "-"}, ""),
        ({"x": "Anna's"}, "Anna\u2019s"), ({"x": -4}, "minus -4 degrees"),
    ],
)  # fmt: skip
def test_values_that_a_user_said_are_found(arguments: dict[str, Any], text: str) -> None:
    assert ungrounded(arguments, CITY, text) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"city": "Oslo"}, "weather?"), ({"days": 4}, "for five days"), ({"x": ["a", "zebra"]}, "a"), ({"x": {"y": 7}}, "six")],
)
def test_values_that_nobody_said_are_named(arguments: dict[str, Any], text: str) -> None:
    assert ungrounded(arguments, CITY, text) == list(arguments)


def test_an_enum_may_be_named_by_its_stem() -> None:
    schema = {"properties": {"unit": {"enum": ["celsius", "kelvin"]}}}
    assert ungrounded({"unit": "celsius"}, schema, "in degrees Celsiu") == []
    assert ungrounded({"unit": "kelvin"}, schema, "in degrees Celsius") == ["unit"]
