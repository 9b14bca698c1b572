"""What a stage tells the world besides its files. Stages emit; sinks in `selfimprove.observe` listen.

    emit(Progress(stage="generate", what="answers", done=12, total=80))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StageStarted:
    stage: str
    round: int
    planned_seconds: float = 0.0
    part: str = "round"
    """`round`, `final` or `control`: which part of the run the stage belongs to."""


@dataclass(frozen=True)
class Progress:
    stage: str
    what: str
    done: int
    total: int
    detail: str = ""


@dataclass(frozen=True)
class StageFinished:
    stage: str
    round: int
    seconds: float
    reused: bool = False
    counts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """One sentence for the user: a decision, a warning, a path."""

    text: str
    level: str = "info"


Event = StageStarted | Progress | StageFinished | Note
Sink = Callable[[Event], None]
_sinks: list[Sink] = []


def emit(event: Event) -> None:
    for sink in tuple(_sinks):
        sink(event)


@contextmanager
def listening(sink: Sink) -> Iterator[None]:
    """Adds a sink for the time of a `with` block."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)
