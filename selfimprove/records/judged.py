"""What the verifier said of a problem and of each attempt at it."""

from __future__ import annotations

from typing import Literal

from selfimprove.records.attempt import Verdict
from selfimprove.records.base import Record
from selfimprove.records.call import Answer


class Judged(Record):
    """`agreement` is the share of the k sampled answers that equal `answer`."""

    sample: str
    source: str
    kind: str
    verdict: Verdict
    answer: Answer | None = None
    correct: int = 0
    k: int = 0
    agreement: float = 0.0
    near_miss: bool = False
    """No attempt is right, but one calls the right tools with at least half of the arguments."""
    right: bool | None = None
    """Oracle problems: whether the accepted answer equals the gold."""


class Judgement(Record):
    """What the judge said of one answer. `yes`, `no`: log-probabilities in nats; None where it could not be asked."""

    id: str
    """`SAMPLE/DIGEST` of the problem and of the answer's canonical calls."""
    status: Literal["accepted", "rejected", "unknown"]
    yes: float | None = None
    no: float | None = None


class Checked(Record):
    """One attempt after the layers; `correct` is None where there is no gold to compare with."""

    sample: str
    index: int
    status: Literal["accepted", "rejected", "unknown"]
    layer: str = ""
    reasons: tuple[str, ...] = ()
    correct: bool | None = None
