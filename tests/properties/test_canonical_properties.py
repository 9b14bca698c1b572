"""Equality of calls: writing a call differently never makes it another one."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from selfimprove.records import Answer, Call, Tool
from selfimprove.tools.canonical import key
from tests.properties.values import ARGUMENTS, VALUES

DEFAULTS = st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=4)


def tool(defaults: dict[str, Any]) -> Tool:
    return Tool(name="f", parameters={"type": "object", "properties": {n: {"default": v} for n, v in defaults.items()}})


def calls(*arguments: dict[str, Any]) -> Answer:
    return Answer(calls=tuple(Call(name="f", arguments=a) for a in arguments))


def floated(value: Any) -> Any:
    """The same value with every whole number written with a point."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    if isinstance(value, list):
        return [floated(v) for v in value]
    return {k: floated(v) for k, v in value.items()} if isinstance(value, dict) else value


@given(ARGUMENTS, DEFAULTS, st.randoms())
def test_the_order_of_arguments_does_not_matter(arguments: dict[str, Any], defaults: dict[str, Any], rng: random.Random) -> None:
    items = list(arguments.items())
    rng.shuffle(items)
    assert key(calls(arguments), [tool(defaults)]) == key(calls(dict(items)), [tool(defaults)])


@given(st.lists(ARGUMENTS, min_size=1, max_size=4), st.randoms())
def test_the_order_of_calls_does_not_matter(many: list[dict[str, Any]], rng: random.Random) -> None:
    mixed = list(many)
    rng.shuffle(mixed)
    assert key(calls(*many), [tool({})]) == key(calls(*mixed), [tool({})])


@given(st.dictionaries(st.sampled_from("uvw"), VALUES, max_size=3), DEFAULTS)
def test_a_default_may_be_said_or_left_out(arguments: dict[str, Any], defaults: dict[str, Any]) -> None:
    assert key(calls({**arguments, **defaults}), [tool(defaults)]) == key(calls(arguments), [tool(defaults)])


@given(ARGUMENTS)
def test_a_whole_number_may_have_a_point(arguments: dict[str, Any]) -> None:
    assert key(calls(arguments), [tool({})]) == key(calls(floated(arguments)), [tool({})])


@given(ARGUMENTS)
def test_one_call_is_not_two_of_it_nor_none(arguments: dict[str, Any]) -> None:
    assert len({key(a, []) for a in (calls(arguments), calls(arguments, arguments), Answer(), Answer(abstain="no_tool"))}) == 4
