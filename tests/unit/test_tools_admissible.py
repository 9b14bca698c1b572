"""Scoring against what is admissible: a right answer must not be called wrong, nor a wrong one right."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.records import AdmissibleCall, Call, Tool
from selfimprove.tools.admissible import from_calls, match
from selfimprove.tools.canonical import Profile

WEATHER = Tool(
    name="weather",
    parameters={
        "type": "object", "required": ["city"],
        "properties": {
            "city": {"type": "string"}, "days": {"type": "integer", "default": 1}, "scale": {"type": "number"},
            "tags": {"type": "array", "items": {"type": "string"}}, "when": {"type": "string", "format": "date"},
            "options": {"type": "object", "properties": {"unit": {"type": "string", "default": "c"}, "at": {"type": "string"}}},
        },
    },
)  # fmt: skip
TIME = Tool(name="time", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
TOOLS = (WEATHER, TIME)
NYC = {"city": {"values": ["New York", "NYC"]}}


def right(name: str = "weather", **arguments: Any) -> AdmissibleCall:
    return AdmissibleCall.model_validate({"name": name, "arguments": arguments})


def call(name: str = "weather", **arguments: Any) -> Call:
    return Call(name=name, arguments=arguments)


def why(calls: list[Call], *admissible: list[AdmissibleCall], profile: Profile = "training") -> str:
    found = match(calls, admissible, TOOLS, profile)
    return found.reason if found else ""


@pytest.mark.parametrize("city", ["New York", "NYC", " NYC "])
def test_any_of_the_admissible_values_is_right(city: str) -> None:
    assert why([call(city=city)], [right(**NYC)]) == ""


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        ([], "should-call"), ([call("time", city="NYC")], "wrong-tool"), ([call(city="NYC"), call(city="NYC")], "wrong-count"),
        ([call(city="Boston")], "wrong-value:city"), ([call()], "missing-argument:city"),
        ([call(city="NYC", days=2)], "extra-argument:days"), ([call(city="NYC", zzz=2)], "extra-argument:zzz"),
        ([call(city="nyc")], "wrong-value:city"), ([call(city=["NYC"])], "wrong-value:city"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_refused_and_says_how(calls: list[Call], reason: str) -> None:
    assert why(calls, [right(**NYC)]) == reason


def test_not_calling_is_right_only_where_it_is_admissible() -> None:
    assert why([], []) == ""
    assert why([call(city="NYC")], []) == "should-abstain"
    assert why([], [], [right(**NYC)]) == ""


def test_one_of_several_answers_is_enough() -> None:
    by_time = [right("time", city={"values": ["Oslo"]})]
    assert why([call("time", city="Oslo")], [right(**NYC)], by_time) == ""
    assert why([call("time", city="Rome")], [right(**NYC)], by_time) == "wrong-value:city"


def test_an_argument_may_be_left_out_when_it_is_optional_or_its_default_is_right() -> None:
    optional = right(**NYC, scale={"values": [2.5], "optional": True})
    assert why([call(city="NYC")], [optional]) == ""
    assert why([call(city="NYC", scale=2.5)], [optional]) == ""
    assert why([call(city="NYC", scale=3)], [optional]) == "wrong-value:scale"
    assert why([call(city="NYC")], [right(**NYC, days={"values": [1, 2]})]) == ""
    assert why([call(city="NYC")], [right(**NYC, days={"values": [2]})]) == "missing-argument:days"
    assert why([call(city="NYC", days=1)], [right(**NYC)]) == ""
    assert why([call(city="NYC", days=1)], [right(**NYC, days={"values": [2], "optional": True})]) == ""


def test_parallel_calls_may_come_in_any_order_and_count_as_often_as_they_occur() -> None:
    a, b = call(city="A"), call(city="B")
    wanted = from_calls([a, b])
    assert why([b, a], wanted) == ""
    assert why([a, a], wanted) == "wrong-value:city"
    assert why([a, a], from_calls([a, a])) == ""
    assert why([a, b, b], wanted) == "wrong-count"


def test_a_call_that_fits_two_places_takes_the_one_that_is_left() -> None:
    """Greedy pairing would give the first call the place that only the second one fits."""
    either, only = right(city={"values": ["A", "B"]}), right(city={"values": ["A"]})
    assert why([call(city="A"), call(city="B")], [either, only]) == ""
    assert why([call(city="B"), call(city="B")], [either, only]) == "wrong-value:city"


def test_published_answers_are_read_in_the_type_of_the_schema() -> None:
    assert why([call(city="5", days=3)], [right(city={"values": [5]}, days={"values": ["3"]})]) == ""
    assert why([call(city=5, days=3)], [right(city={"values": ["5"]}, days={"values": [3]})]) == "wrong-value:city"
    assert why([call(city="5", days="3")], [right(city={"values": ["5"]}, days={"values": [3]})]) == "wrong-value:days"


def test_alternatives_inside_an_object_are_understood_in_both_spellings() -> None:
    for options in (
        {"at": ["noon", "12:00"], "unit": ["c", ""]},
        {"at": {"values": ["noon", "12:00"], "optional": False}, "unit": {"values": ["c"], "optional": True}},
    ):
        wanted = right(**NYC, options={"values": [options]})
        for profile in ("training", "bfcl-like"):
            assert why([call(city="NYC", options={"at": "12:00"})], [wanted], profile=profile) == ""
            assert why([call(city="NYC", options={"at": "one"})], [wanted], profile=profile) == "wrong-value:options"
            assert why([call(city="NYC", options={"unit": "c"})], [wanted], profile=profile) == "wrong-value:options"


@pytest.mark.parametrize("profile", ["strict", "training", "bfcl-like"])
def test_lists_in_a_reference_are_lists_and_no_alternatives(profile: Profile) -> None:
    reference = [call("time", city="x", more={"a": ["b"], "c": [["d"]]})]
    tools = (Tool(name="time", parameters={"type": "object", "properties": {"city": {}, "more": {"type": "object"}}}),)
    wanted = from_calls(reference, profile)
    assert match(reference, [wanted], tools, profile, literal=True) is None
    assert match([call("time", city="x", more={"a": "b", "c": ["d"]})], [wanted], tools, profile, literal=True)


@pytest.mark.parametrize(
    ("value", "values", "same"),
    [
        ("new york", ["New York"], True), ("NewYork", ["New York"], True), ("New-York!", ["New York"], False), (5, ["5"], False),
        ("April 1,2024", ["April 1, 2024"], True), ("it's", ['it"s'], True),
    ],
)  # fmt: skip
def test_bfcl_compares_text_as_published(value: Any, values: list[Any], same: bool) -> None:
    assert (why([call(city=value)], [right(city={"values": values})], profile="bfcl-like") == "") is same


@pytest.mark.parametrize(
    ("name", "value", "values", "same"),
    [
        ("scale", 5, [5.0], True), ("scale", 5.0, [5], True), ("days", 5.0, [5], False), ("days", True, [1], False),
        ("tags", ["A b"], [["ab"]], True), ("tags", ["b", "a"], [["a", "b"]], False), ("tags", [], ["", ["a"]], True),
        ("tags", "a", [["a"]], False), ("days", 1, [1, ""], True),
    ],
)  # fmt: skip
def test_bfcl_compares_types_as_published(name: str, value: Any, values: list[Any], same: bool) -> None:
    wanted = right(city={"values": ["A"]}, **{name: {"values": values}})
    assert (why([call(city="A", **{name: value})], [wanted], profile="bfcl-like") == "") is same


def test_an_empty_text_among_the_values_makes_an_argument_optional_for_bfcl_only() -> None:
    wanted = right(city={"values": ["A"]}, scale={"values": [2.0, ""]})
    assert why([call(city="A")], [wanted], profile="bfcl-like") == ""
    assert why([call(city="A")], [wanted]) == "missing-argument:scale"


def test_nothing_admissible_is_a_fault_of_the_item_and_not_of_the_answer() -> None:
    with pytest.raises(ValueError, match="no answer is admissible"):
        match([], [], TOOLS)
