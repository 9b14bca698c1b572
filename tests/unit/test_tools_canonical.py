"""When two answers count as the same: a user's right answer must not be called wrong, nor a wrong one right."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.records import Answer, Call, Tool
from selfimprove.tools.canonical import PROFILES, Profile, call_key, key

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
    assert key(Answer(calls=(Call(name="zzz", arguments={"x": 1.0}),)), TOOLS) == '[["zzz",{"x":1}]]'


def one(profile: Profile, schema: dict[str, Any] | None = None, **arguments: Any) -> str:
    tool = Tool(name="f", parameters={"type": "object", "properties": schema or {}})
    return call_key(Call(name="f", arguments=arguments), tool, profile)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2026-3-4", "2026-03-04"), ("2026-03-04 9:05", "2026-03-04T09:05:00"), ("9:05", "09:05:00"),
        ("2026-03-04T09:05:00+00:00", "2026-03-04T09:05:00Z"), ("it’s “so”", "it's \"so\""), ("New  York", "New York"),
        ("Cafe\u0301", "Caf\u00e9"), ("a\u00a0b", "a b"),
    ],
)  # fmt: skip
def test_forms_of_one_text_are_the_same_in_training_and_different_when_strict(left: str, right: str) -> None:
    assert one("training", x=left) == one("training", x=right)
    assert one("strict", x=left) != one("strict", x=right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2026-03-04", "2026-03-05"), ("2026-03-04", "2026-03-04T00:00:00"), ("2026-13-04", "2026-13-4"), ("oslo", "Oslo"),
        ("1-2", "1-02"), ("a\n  b", "a\n b"), ("10:00", "22:00"), ("Oslo\u200b", "Oslo"), ("5", 5), ("true", True),
        ("2026-03-04T09:00:00Z", "2026-03-04T09:00:00+01:00"), ("0x10", "16"), ("<b>", "&lt;b&gt;"),
    ],
)  # fmt: skip
def test_other_texts_stay_others(left: Any, right: Any) -> None:
    assert one("training", x=left) != one("training", x=right)


@pytest.mark.parametrize(("left", "right"), [("New York, NY", "new-york ny"), ("it's", 'it"s'), ("A_B*c^", "abc")])
def test_bfcl_like_texts_are_compared_without_case_spaces_and_signs(left: str, right: str) -> None:
    assert one("bfcl-like", x=left) == one("bfcl-like", x=right)


def test_defaults_are_dropped_on_every_level_and_behind_references() -> None:
    schema = {
        "o": {"type": "object", "properties": {"unit": {"default": "c"}, "at": {}}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "default": 1}}}},
        "r": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": 2},
    }
    for profile in PROFILES:
        said = one(profile, schema, o={"unit": "c", "at": "x"}, l=[{"n": 1.0}], r=2.0)
        assert said == one(profile, schema, o={"at": "x"}, l=[{}])
        assert said != one(profile, schema, o={"at": "x", "unit": "f"}, l=[{}])


def test_numbers_are_compared_by_value_however_large() -> None:
    assert one("training", x=1e22) == one("training", x=10**22)
    assert one("training", x=0.1 + 0.2) != one("training", x=0.3)
    assert one("training", x=True) != one("training", x=1)


def test_a_schema_that_holds_itself_with_a_default_has_an_end() -> None:
    """Its default, read to the end, holds itself again: a round over such a tool would stop."""
    node = {"type": "object", "properties": {"name": {"type": "string"}, "child": {"$ref": "#", "default": {}}}}
    tool = Tool(name="f", parameters=node)
    said = Answer(calls=(Call(name="f", arguments={"name": "a", "child": {"name": "b", "child": {}}}),))
    left_out = Answer(calls=(Call(name="f", arguments={"name": "a", "child": {"name": "b"}}),))
    assert key(said, [tool]) == key(left_out, [tool])
