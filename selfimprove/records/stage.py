"""What a stage hands to the next one: a reference to a finished directory, never data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from selfimprove.records.base import Record


class StageRef(Record):
    """`digest` identifies what the stage made (times are no part of it)."""

    path: Path
    digest: str
    counts: dict[str, float] = Field(default_factory=dict)
    seconds: float = 0.0
    """Wall-clock seconds that the stage took, over all its starts. No part of the digest."""
