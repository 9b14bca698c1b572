"""Definitions: a made tool that nobody could call must not reach training, a user's odd tool must not stop a round."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.config.model import Verify
from selfimprove.records import Answer, Attempt, Call, Sample, Tool
from selfimprove.tools.dialect import standard
from selfimprove.tools.example import example
from selfimprove.tools.schema_rules import alike, problems
from selfimprove.tools.validation import checker_of
from selfimprove.verify.judge_sample import check


def tool(name: str = "find_place", description: str = "Finds a place.", **parameters: Any) -> Tool:
    return Tool(name=name, description=description, parameters={"type": "object", **parameters})


CITY = {"properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (tool(**CITY), []), (tool("find place", **CITY), ["name"]), (tool(description="Finds", **CITY), ["undescribed"]),
        (tool(properties={"city": {"kind": "text"}}), ["type", "keyword"]),
        (tool(properties={"city": {"type": "string", "pattern": "(a+)+$"}}), ["pattern"]),
        (tool(properties={"n": {"type": "integer", "minimum": 5, "maximum": 1}}, required=["n"]), ["no-example"]),
        (tool(properties={"n": {"type": "string", "minLength": 3, "maxLength": 2}}, required=["n"]), ["no-example"]),
    ],
)  # fmt: skip
def test_a_made_tool_must_be_one_that_can_be_called(made: Tool, found: list[str]) -> None:
    assert problems(made, made=True) == found


@pytest.mark.parametrize(
    "schema",
    [
        CITY, {}, {"properties": {"n": {"type": "integer", "minimum": 3, "multipleOf": 4}}, "required": ["n"]},
        {"properties": {"x": {"type": "array", "minItems": 3, "items": {"enum": ["a"]}}}, "required": ["x"]},
        {"properties": {"x": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]}}, "required": ["x"]},
        {"properties": {"x": {"$ref": "#/$defs/d"}}, "required": ["x"], "$defs": {"d": {"type": "string", "minLength": 9}}},
        {"properties": {"x": {"type": "number", "maximum": -4}, "y": {"const": 2}}, "required": ["x", "y"]},
    ],
)  # fmt: skip
def test_an_example_fits_its_schema(schema: dict[str, Any]) -> None:
    whole = {"type": "object", **schema}
    assert checker_of(whole).errors(example(whole)) == []


def test_tools_that_cannot_be_told_apart_are_alike() -> None:
    assert alike([tool("get_time", **CITY), tool("getTime")])
    assert alike([tool("a_tool", **CITY), tool("b_tool", **CITY)])
    assert not alike([tool("a_tool", **CITY), tool("b_tool", description="Finds something else.", **CITY)])


def test_made_tools_that_are_alike_veto_the_answers_to_them() -> None:
    tools = (tool("find_place", **CITY), tool("findPlace", "Another one.", **CITY))
    answer = Answer(calls=(Call(name="find_place", arguments={"city": "Oslo"}),))
    for source, status in (("make", "rejected"), ("seed", "accepted")):
        sample = Sample.model_validate({"id": "s", "query": "Where is Oslo?", "tools": tools, "source": source})
        assert check(sample, Attempt(sample="s", index=0, text="", answer=answer), Verify(), None).status == status


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"type": "dict", "properties": {"n": {"type": "float"}}}, {"type": "object", "properties": {"n": {"type": "number"}}}),
        ({"type": "any"}, {}), ({"type": "str, optional"}, {"type": "string"}),
        ({"type": ["int", "none"]}, {"type": ["integer", "null"]}),
        ({"type": "number", "minimum": 3, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 3}),
        ({"items": [{"type": "int"}]}, {"prefixItems": [{"type": "integer"}]}),
        ({"type": "string", "required": True}, {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}), ({"$schema": "x", "$id": "y", "title": "z"}, {}),
        ({"properties": {"type": {"type": "string"}}}, {"properties": {"type": {"type": "string"}}}),
    ],
)  # fmt: skip
def test_schemas_of_other_dialects_are_read(written: dict[str, Any], read: dict[str, Any]) -> None:
    assert standard(written) == read


@pytest.mark.parametrize(
    ("schema", "arguments", "codes"),
    [
        ({"additionalProperties": True, "properties": {}}, {"x": 1}, []),
        ({"patternProperties": {"^x": {}}, "properties": {}}, {"x": 1, "y": 2}, []),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"y": 2}, ["extra-argument:y"]),
        ({"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"a": 1, "b": 2}, []),
        ({"properties": {"o": {"type": "object"}}}, {"o": {"free": 1}}, []),
        ({"properties": {"o": {"type": "object", "properties": {"a": {}}}}}, {"o": {"b": 1}}, ["extra-argument:o.b"]),
        ({"$ref": "#/$defs/d", "$defs": {"d": {"properties": {"a": {"type": "string"}}}}}, {"a": 1, "b": 1},
         ["wrong-argument:a", "extra-argument:b"]),
        ({"properties": {"a": {}, "b": {}}, "required": ["a", "b"]}, {}, ["missing-argument:a", "missing-argument:b"]),
        ({"properties": {"o": {"properties": {"k": {}}, "required": ["k"]}}}, {"o": {}}, ["missing-argument:o.k"]),
    ],
)  # fmt: skip
def test_arguments_that_no_schema_names_are_refused_unless_it_says_that_there_may_be_others(
    schema: dict[str, Any], arguments: dict[str, Any], codes: list[str]
) -> None:
    found = checker_of({"type": "object", **schema}).errors(arguments)
    assert [f"{p.code}:{p.path}" for p in found] == codes
