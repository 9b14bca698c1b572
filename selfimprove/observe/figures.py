"""The figures of a run as frozen records: what `summarize` gives to the table, the report, `status --json` and MLflow.

What the stages have recorded is taken as it is (`records.score`). Accuracies and gains are fractions (0.523, not 52.3);
None means "not measured (yet)", never zero.
"""

from __future__ import annotations

from pydantic import Field

from selfimprove.records import Comparison, Decision, Rate, Record


class Suite(Record):
    """One model on one suite. Calls and abstentions are never pooled."""

    call: Rate | None = None
    abstention: Rate | None = None
    kinds: dict[str, Rate] = Field(default_factory=dict)
    truncated: int = 0
    """Answers cut at the token limit."""


class ModelFigures(Record):
    """One line of the table."""

    name: str
    round: int | None = None
    """The round that trained it; None for the base model and for models of other origin."""
    champion: bool = False
    gate: Suite = Suite()
    test: Suite = Suite()
    canaries: Suite = Suite()
    general: Rate | None = None
    """Plain questions answered, beside the gate."""
    made: int | None = None
    accepted: int | None = None
    trained: int | None = None


class Texts(Record):
    """Completions of one sort (tool lists, requests, answers): sampled and parsed."""

    what: str
    made: int
    parsed: int


class Funnel(Record):
    """What became of a round's problems. `fresh` + `replay` are the rows selected, by origin."""

    round: int
    made: int | None = None
    parsed: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    unknown: int | None = None
    selected: int | None = None
    trained: int | None = None
    fresh: int | None = None
    replay: int | None = None
    texts: tuple[Texts, ...] = ()
    reasons: dict[str, int] = Field(default_factory=dict)
    """Reason code -> problems not accepted for it, most frequent first."""
    kinds: dict[str, int] = Field(default_factory=dict)
    """Kind (or subtask, for rows without one) -> rows selected."""
    bands: dict[str, int] = Field(default_factory=dict)
    """Difficulty band -> problems."""


class Oracle(Record):
    """The verifier measured on problems whose gold it did not see."""

    round: int
    problems: int
    accepted: int
    right: int
    """Accepted and equal to the gold."""
    precision: float | None
    recall: float | None


class SelfTested(Record):
    """The verifier's own test in a round: rate -> errors (`correct`) of `n` cases."""

    round: int
    rates: dict[str, Rate] = Field(default_factory=dict)


class Return(Record):
    """What a round's gain cost; the formula is beside the figure wherever it is shown."""

    round: int
    gain: float
    """Of the decision: paired difference of call accuracy on the gate."""
    device_hours: float
    generated_tokens: int
    per_device_hour: float
    """Points of gain."""
    per_1000_tokens: float
    """Points of gain."""


class StageTime(Record):
    """Seconds of one stage. `planned` None: the configuration states none; `spent` None: not begun."""

    group: str
    """bootstrap, round or final."""
    round: int
    stage: str
    planned: float | None = None
    spent: float | None = None
    finished: bool = False


class Step(Record):
    """One optimizer step of a round's training."""

    round: int
    step: int
    loss: float
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens_per_second: float | None = None
    supervised_share: float | None = None
    """Of the tokens, those that carry the loss."""
    peak_gb: float | None = None
    loss_by_subtask: dict[str, float] = Field(default_factory=dict)


class RunSummary(Record):
    """Everything a person is told about a run; read from its files each time."""

    name: str
    created: str = ""
    model: str = ""
    seed: int | None = None
    config_files: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    experiment: str = ""
    champion: str | None = None
    finished: bool = False
    unfinished: tuple[str, ...] = ()
    """What is still missing, a sentence each."""
    models: tuple[ModelFigures, ...] = ()
    decisions: tuple[Decision, ...] = ()
    funnels: tuple[Funnel, ...] = ()
    oracle: tuple[Oracle, ...] = ()
    self_tests: tuple[SelfTested, ...] = ()
    returns: tuple[Return, ...] = ()
    lucky: float | None = None
    """Chance that one or more of the challengers so far would have been adopted had none been better; None before the second."""
    comparisons: tuple[Comparison, ...] = ()
    stages: tuple[StageTime, ...] = ()
    steps: tuple[Step, ...] = ()
