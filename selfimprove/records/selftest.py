"""What a self-test of the verifier found."""

from __future__ import annotations

from typing import Any

from selfimprove.records.base import Record
from selfimprove.records.score import Rate


class Fault(Record):
    """A case on which the verifier erred."""

    rate: str
    """Which rate it counts for."""
    kind: str
    """The rewriting, mutation or attack."""
    row: dict[str, Any]
    """The row as the verifier saw it."""
    verdict: str
    layer: str = ""
    reasons: tuple[str, ...] = ()


class SelfTest(Record):
    """Rates of error: `correct` of a rate counts the errors, `accuracy` is their share, `low` and `high` its 95 % interval."""

    truths: int
    cases: int
    rates: dict[str, Rate]
    kinds: dict[str, dict[str, Rate]]
    faults: tuple[Fault, ...] = ()
