"""From function to definition: what a tool author writes is what a model is shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator

from selfimprove.errors import ToolError
from selfimprove.tools.derive import Param, derive_tool


class Guests(TypedDict):
    adults: int
    children: NotRequired[Annotated[int, Param(minimum=0)]]


def book(
    city: Annotated[str, Param("Where to", examples=["Oslo", "Lima"])],
    guests: Guests,
    board: Literal["none", "half", "full"] = "none",
    budget: float | None = None,
    tags: list[str] | None = None,
    extras: dict[str, Any] | None = None,
    late: bool = False,
) -> dict[str, Any]:
    """Book a hotel.

    More about it that a model does not see.
    """
    return {}


def properties() -> dict[str, Any]:
    found: dict[str, Any] = derive_tool(book)["parameters"]["properties"]
    return found


def test_name_first_docstring_line_and_required_parameters_are_kept() -> None:
    tool = derive_tool(book)
    assert (tool["name"], tool["description"]) == ("book", "Book a hotel.")
    assert tool["parameters"]["required"] == ["city", "guests"]
    assert tool["parameters"]["additionalProperties"] is False
    Draft202012Validator.check_schema(tool["parameters"])


def test_parameter_metadata_reaches_the_schema() -> None:
    assert properties()["city"] == {"type": "string", "description": "Where to", "examples": ["Oslo", "Lima"]}


def test_nested_objects_keep_their_optional_fields() -> None:
    guests = properties()["guests"]
    assert guests["required"] == ["adults"]
    assert guests["properties"]["children"] == {"type": "integer", "minimum": 0}


def test_enums_defaults_and_nullable_parameters_are_told() -> None:
    found = properties()
    assert found["board"] == {"type": "string", "enum": ["none", "half", "full"], "default": "none"}
    assert found["budget"] == {"type": ["number", "null"], "default": None}
    assert found["tags"] == {"type": ["array", "null"], "items": {"type": "string"}, "default": None}
    assert found["extras"] == {"anyOf": [{"type": "object"}, {"type": "null"}], "default": None}
    assert found["late"] == {"type": "boolean", "default": False}


def no_docstring(city: str) -> None: ...


def no_hint(city) -> None:  # type: ignore[no-untyped-def]
    """Tool."""


def two_types(value: int | str) -> None:
    """Tool."""


def a_set(values: set[str]) -> None:
    """Tool."""


def numbered(values: dict[int, str]) -> None:
    """Tool."""


def starred(*values: int) -> None:
    """Tool."""


def odd_default(value: int = object()) -> None:  # type: ignore[assignment]
    """Tool."""


@pytest.mark.parametrize("function", [no_docstring, no_hint, two_types, a_set, numbered, starred, odd_default])
def test_what_has_no_schema_is_refused_in_one_sentence_that_names_the_tool(function: Any) -> None:
    with pytest.raises(ToolError, match=function.__name__) as caught:
        derive_tool(function)
    assert "\n" not in str(caught.value)
