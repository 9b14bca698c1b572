"""An item of a benchmark: what a model is asked, and everything that counts as right.

    SuiteItem(id="a", category="simple", messages=(Message(role="user", content="Weather in Oslo?"),), tools=(weather,),
              admissible=((AdmissibleCall(name="weather", arguments={"city": Values(values=("Oslo",))}),),))

What it is not: a training sample. A labelled problem (`Sample`) has one right answer; an item may admit several.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from selfimprove.records.admissible import AdmissibleCall
from selfimprove.records.base import Record
from selfimprove.records.call import Abstain
from selfimprove.records.message import Message
from selfimprove.records.tool import Tool

Truth = Literal["call", "any_call", "abstain", "general"]
"""What sort of answer is right: these calls; any call at all; no call; plain prose that says something. Never pooled."""


class SuiteItem(Record):
    """Exactly one of `admissible`, `abstain`, `says` and `any_call` says what is right."""

    id: str = Field(min_length=1)
    category: str = Field(min_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)
    tools: tuple[Tool, ...] = ()
    admissible: tuple[tuple[AdmissibleCall, ...], ...] | None = None
    """Admissible answers; each is a list of calls whose order is free."""
    abstain: Abstain | None = None
    """No call is right: because no tool fits, because a value is missing, or for whatever reason (`no_call`)."""
    missing: tuple[str, ...] = ()
    """With `abstain: missing`: the parameters whose values are missing, which the answer must name."""
    says: tuple[str, ...] = ()
    """A plain answer without a call that contains one of these texts, whatever its case."""
    any_call: bool = False
    """A call of any offered tool, whatever its arguments."""

    @model_validator(mode="after")
    def _one_truth(self) -> SuiteItem:
        told = [self.admissible is not None, self.abstain is not None, bool(self.says), self.any_call]
        if sum(told) != 1:
            raise ValueError("needs exactly one of admissible, abstain, says and any_call: what is the right answer?")
        if self.admissible is not None and not (self.admissible and all(self.admissible)):
            raise ValueError("nothing is admissible: give at least one answer of at least one call, or say `abstain`")
        if any(not text.strip() for text in self.says):
            raise ValueError("`says` holds an empty text, which every answer would contain")
        if self.missing and self.abstain != "missing":
            raise ValueError("`missing` belongs to `abstain: missing`")
        return self

    @property
    def truth(self) -> Truth:
        if self.admissible is not None:
            return "call"
        return "any_call" if self.any_call else "general" if self.says else "abstain"

    @property
    def query(self) -> str:
        """What the user said last."""
        return next((m.content for m in reversed(self.messages) if m.role == "user"), self.messages[-1].content)
