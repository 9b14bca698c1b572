"""What was measured of a model, and what was decided from it."""

from __future__ import annotations

from selfimprove.records.base import Record
from selfimprove.records.call import Answer
from selfimprove.records.message import Finish


class Output(Record):
    """A model's greedy answer to one item of a suite."""

    id: str
    kind: str
    query: str
    text: str
    answer: Answer | None = None
    correct: bool
    reason: str = ""
    """Why it is wrong; empty when it is right."""
    finish: Finish
    tokens: int
    prompt_tokens: int


class Rate(Record):
    """`accuracy` is correct / n; `low` and `high` are the ends of its 95 % Wilson interval."""

    n: int
    correct: int
    accuracy: float
    low: float
    high: float


class Results(Record):
    """`call`: items whose right answer is a call. `abstention`: items where no call is right. They are never pooled."""

    suite: str
    model: str
    digest: str
    n: int
    call: Rate
    abstention: Rate
    kinds: dict[str, Rate]
    truncated: int


class Comparison(Record):
    """`gain`: call accuracy of a minus b on the same items; `low`, `high`: its paired 95 % interval (two-sided)."""

    a: str
    b: str
    suite: str
    n: int
    gain: float
    low: float
    high: float
    wins: int
    losses: int


class Decision(Record):
    """`low`: lower end of the one-sided interval that decided; `detectable`: smallest gain seen with 80 % power."""

    round: int
    champion: str
    challenger: str
    promoted: bool
    sentence: str
    gain: float = 0.0
    low: float = 0.0
    interval: tuple[float, float] = (0.0, 0.0)
    n: int = 0
    wins: int = 0
    losses: int = 0
    detectable: float = 0.0
    vetoes: tuple[str, ...] = ()
