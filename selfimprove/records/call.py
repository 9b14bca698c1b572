"""What a model answers: calls, or the reason for making none."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from selfimprove.records.base import Record

Abstain = Literal["no_tool", "missing", "no_call"]
"""`no_tool`: no offered tool fits. `missing`: a required value was not given. `no_call`: plain prose, reason unknown."""


class Call(Record):
    """One call of one tool."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class Answer(Record):
    """Calls in order, or an abstention; `missing` names the parameters whose values were not given."""

    calls: tuple[Call, ...] = ()
    abstain: Abstain | None = None
    missing: tuple[str, ...] = ()
