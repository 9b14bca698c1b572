"""What was measured of a model, and what was decided from it."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

from pydantic import Field

from selfimprove.records.base import Record
from selfimprove.records.call import Abstain, Call
from selfimprove.records.message import Finish
from selfimprove.records.suite import Truth


class Output(Record):
    """A model's greedy answer to one item of a suite."""

    id: str
    category: str
    truth: Truth
    prompt: str
    """Digest of messages and tools: equal for equal questions."""
    query: str
    text: str
    calls: tuple[Call, ...] = ()
    abstain: Abstain | None = None
    """Why it made no call; None when it made one or cannot be read."""
    correct: bool
    reason: str = ""
    """Why it is wrong; empty when it is right."""
    finish: Finish
    tokens: int
    prompt_tokens: int
    seconds: float | None = None
    """From when the engine had the prompt to the last token, its wait for a place in the batch included."""


class Rate(Record):
    """`accuracy` is correct / n; `low` and `high` are the ends of its 95 % Wilson interval."""

    n: int
    correct: int
    accuracy: float
    low: float
    high: float

    @classmethod
    def of(cls, correct: int, n: int, confidence: float = 0.95) -> Rate:
        """A share with its Wilson score interval (Wilson 1927); 0..1 for no items."""
        if n == 0:
            return cls(n=0, correct=0, accuracy=0.0, low=0.0, high=1.0)
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        p = correct / n
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        scale = 1 + z * z / n
        # At the ends the formula gives 0 and 1 up to rounding; they are said exactly.
        low = 0.0 if correct == 0 else (middle - half) / scale
        high = 1.0 if correct == n else (middle + half) / scale
        return cls(n=n, correct=correct, accuracy=p, low=low, high=high)


class Overlap(Record):
    """How far what was called agrees with what should have been, over all items that have calls: F1 of hits and misses."""

    precision: float
    recall: float
    f1: float


class Results(Record):
    """`call`: items whose right answer is a call. `abstention`: items where no call is right. They are never pooled."""

    suite: str
    model: str
    digest: str
    n: int
    call: Rate
    abstention: Rate
    general: Rate
    """Items that ask for plain prose."""
    categories: dict[str, Rate]
    truncated: int
    """Answers cut at the token limit."""
    too_long: int
    """Prompts that did not fit: nothing was made."""
    tools: Overlap
    """Of the names of the tools called, order ignored, on call items."""
    arguments: Overlap
    """Of (tool, argument, value), against the admissible answer that fits best, on call items."""
    abstain_precision: Rate
    """Of the answers without a call on call and abstention items, the share whose item asks for none."""
    abstain_recall: Rate
    """Of the abstention items, the share answered without a call, whatever reason was given."""
    mean_tokens: float
    mean_prompt_tokens: float
    versions: dict[str, str]
    """What has to be equal before two measurements are compared: see docs/formats.md."""
    outputs: str
    """Digest of the outputs, times left out."""
    reasons: dict[str, int] = Field(default_factory=dict)
    """Why answers are wrong: reason code, without the name behind its colon -> answers, the most frequent first."""
    made_valid: Rate | None = None
    """Of the tool lists made for call items, the share that can be used; None when none were asked for."""
    made_writable: Rate | None = None
    """The share with whose tools the reference calls can be written."""
    smoke: bool
    """Whether the model solved the smoke item, whose answer stands in its question."""


class MadeTools(Record):
    """A list of tools that a model made for the query of a call item."""

    id: str
    query: str
    text: str
    valid: bool
    reason: str
    """Why the list cannot be used; empty when it can."""
    writable: bool
    """Whether the reference calls can be written with these tools."""


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


class CategoryComparison(Record):
    """The same for some of the items, with the ids of those that flipped."""

    category: str
    n: int
    a: Rate
    b: Rate
    gain: float
    low: float
    high: float
    won: tuple[str, ...]
    """Items that only a has right."""
    lost: tuple[str, ...]
    """Items that only b has right."""


class Compared(Record):
    """Two models on the same items. `overall` is of call items; a category of abstentions stands by itself."""

    overall: Comparison
    categories: tuple[CategoryComparison, ...]
    groups: tuple[CategoryComparison, ...]
    """All items that need calls, all that need none, all plain questions: never pooled with each other."""
    differences: tuple[str, ...]
    """What the two measurements do not have in common (engine, template, ...): a reason to doubt the comparison."""


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
    vetoes: tuple[str, ...] = Field(default=())
