"""When two answers count as the same: a user's right answer must not be called wrong, nor a wrong one right."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.records import Answer, Call, Tool
from selfimprove.tools.canonical import key

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"}, "days": {"type": "integer", "default": 3}, "unit": {"enum": ["c", "f"], "default": "c"},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []}, "note": {"type": ["string", "null"],
        "default": None},
        "size": {"type": "number"},
    },
}  # fmt: skip
TOOLS = (Tool(name="f", parameters=SCHEMA), Tool(name="g"))


def calls(*arguments: dict[str, Any]) -> str:
    return key(Answer(calls=tuple(Call(name="f", arguments=a) for a in arguments)), TOOLS)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"city": "Oslo", "size": 2}, {"size": 2.0, "city": " Oslo "}), ({"city": "Oslo", "days": 3}, {"city": "Oslo"}),
        ({"days": 3.0, "unit": "c", "tags": [], "note": None}, {}), ({"tags": ["a "]}, {"tags": ["a"]}), ({"size": -0.0},
        {"size": 0}),
    ],
)  # fmt: skip
def test_the_same_call_written_differently_is_the_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert calls(left) == calls(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"city": "Oslo"}, {"city": "oslo"}), ({"days": 4}, {}), ({"size": 2}, {"size": "2"}), ({"size": 1}, {"size": True}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}), ({"size": 2**53}, {"size": 2**53 + 1}), ({"city": ""}, {}),
    ],
)  # fmt: skip
def test_another_call_is_another(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert calls(left) != calls(right)


def test_parallel_calls_have_no_order_but_a_number() -> None:
    a, b = {"city": "Oslo"}, {"city": "Rome"}
    assert calls(a, b) == calls(b, a)
    assert calls(a, a) != calls(a)


def test_abstentions_are_classes_of_their_own() -> None:
    found = {
        key(answer, TOOLS)
        for answer in (
            Answer(abstain="no_tool"), Answer(abstain="no_call"), Answer(abstain="missing", missing=("a",)),
            Answer(abstain="missing", missing=("b",)), Answer(calls=(Call(name="g"),)),
        )
    }  # fmt: skip
    assert len(found) == 5
    assert key(Answer(), TOOLS) == key(Answer(abstain="no_call"), TOOLS)
    assert key(Answer(abstain="missing", missing=("a", "b")), TOOLS) == key(Answer(abstain="missing", missing=("b", "a")), TOOLS)


def test_a_call_of_an_unknown_tool_has_a_key_too() -> None:
    assert key(Answer(calls=(Call(name="zzz", arguments={"x": 1.0}),)), TOOLS) == '["[\\"zzz\\",{\\"x\\":1}]"]'
