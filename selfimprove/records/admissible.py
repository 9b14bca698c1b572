"""What counts as a right answer where there is more than one: for each argument the values that are right."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from selfimprove.records.base import Record


class Values(Record):
    """`values` are alternatives; an `optional` argument may also be left out (or say its default)."""

    values: tuple[Any, ...]
    optional: bool = False


class AdmissibleCall(Record):
    """One call of a right answer. A right answer is a list of these, and a problem may have several such lists."""

    name: str
    arguments: dict[str, Values] = Field(default_factory=dict)
