"""A problem: a query, the tools offered with it, and the right answer where one is known."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from selfimprove.records.base import Record
from selfimprove.records.call import Answer
from selfimprove.records.tool import Tool

Kind = Literal["single", "parallel", "choice", "no_tool", "missing"]
Source = Literal["seed", "make", "request", "compose", "remove", "cut", "oracle"]
"""Where a problem came from: labelled seeds; tools made for a query; a request written for a drawn call; two requests
composed; the called tool removed; a required value cut; or the oracle part (run as if unlabelled)."""


class Sample(Record):
    """`answer` is None for a problem without gold (source `make`), whose answer only a vote can supply."""

    id: str = Field(min_length=1)
    query: str = Field(min_length=1)
    tools: tuple[Tool, ...] = ()
    answer: Answer | None = None
    kind: Kind = "single"
    source: Source = "seed"
