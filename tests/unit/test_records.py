"""Identity and validation of records: what everything on disk is named by."""

from __future__ import annotations

import pickle

import pytest
from pydantic import ValidationError

from selfimprove.records import Answer, Call, Sample, Tool, canonical_json, derive_seed, digest
from selfimprove.records.base import maker
from selfimprove.records.sound import is_sound

TOOL = {"name": "f", "description": "Does it.", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}


def test_the_same_content_has_the_same_identity_whatever_its_order() -> None:
    assert digest({"b": [1, 2], "a": "ä"}) == digest({"a": "ä", "b": [1, 2]})
    assert digest([1, 2]) != digest([2, 1])


def test_an_identity_never_changes_between_versions() -> None:
    """Runs on disk are found again by these digits."""
    assert digest({"a": 1}) == "015abd7f5cc57a2d"
    assert Call(name="f", arguments={"x": 1}).key == digest({"name": "f", "arguments": {"x": 1}})


def test_a_record_of_checked_values_is_the_record_that_a_check_would_have_made() -> None:
    make = maker(Tool)
    made, checked = make(dict(TOOL)), Tool.model_validate(TOOL)
    assert made == checked and made.model_dump_json() == checked.model_dump_json() and made.key == checked.key
    assert pickle.loads(pickle.dumps(made)) == checked
    assert made.model_copy(update={"name": "g"}).name == "g" and make(dict(TOOL)) == checked
    with pytest.raises(ValidationError):
        made.name = "g"


def test_seeds_come_from_what_is_drawn_and_stay_in_range() -> None:
    assert derive_seed(7, "a") == derive_seed(7, "a") != derive_seed(7, "b")
    assert all(0 <= derive_seed(n) < 2**31 for n in range(100))
    assert derive_seed("ab", "c") != derive_seed("a", "bc")


def test_a_value_without_canonical_text_is_refused() -> None:
    with pytest.raises(ValueError):
        canonical_json({"x": float("nan")})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}, 10**400, [[[float("-inf")]]]])
def test_values_that_json_text_cannot_carry_are_seen(value: object) -> None:
    assert not is_sound(value)


def test_nesting_is_measured_without_recursion() -> None:
    value: list[object] = []
    for _ in range(5000):
        value = [value]
    assert not is_sound(value)
    assert is_sound([[[["Zürich", 1.5, None, True, -(10**20)]]]])


def test_a_record_refuses_keys_that_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        Answer.model_validate({"calls": [], "why": "so"})


def test_a_record_cannot_be_changed_after_it_was_made() -> None:
    with pytest.raises(ValidationError):
        Call(name="f").name = "g"  # type: ignore[misc]


def test_a_tool_in_the_form_of_openai_is_the_same_tool() -> None:
    assert Tool.model_validate({"type": "function", "function": TOOL}) == Tool.model_validate({**TOOL, "domain": "maths"})
    assert Tool.model_validate(Tool.model_validate(TOOL).openai()) == Tool.model_validate(TOOL)


def test_a_tool_with_an_odd_schema_still_says_what_it_requires() -> None:
    assert Tool(name="f", parameters={"properties": 3, "required": "x"}).properties == {}
    assert Tool(name="f", parameters={"required": ["x", "y"]}).required == ["x", "y"]


def test_a_problem_needs_an_id_and_a_query() -> None:
    for wrong in ({"id": "", "query": "a"}, {"id": "a", "query": ""}):
        with pytest.raises(ValidationError):
            Sample.model_validate(wrong)
