"""One sampled answer to one problem, and what the verifier said of it."""

from __future__ import annotations

from typing import Literal

from selfimprove.records.base import Record
from selfimprove.records.call import Answer
from selfimprove.records.message import Finish


class Attempt(Record):
    """`index` -1 is the greedy answer; 0..k-1 are sampled. `answer` is None when the text could not be parsed."""

    sample: str
    index: int
    text: str
    answer: Answer | None = None
    problem: str | None = None
    """Why the text is no answer, as a parser reason code; None when it is one."""
    finish: Finish = "stop"
    logprob: float | None = None
    tokens: int = 0
    prompt_tokens: int = 0


class Verdict(Record):
    """`accepted` means that every enabled layer passed; `unknown` is never trained on. `reasons` are documented codes."""

    subject: str
    """What was judged: the id of a sample or of a proposal."""
    status: Literal["accepted", "rejected", "unknown"]
    layer: str = ""
    """The layer that decided; empty when all passed."""
    reasons: tuple[str, ...] = ()
