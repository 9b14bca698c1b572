"""Starts of a run: each adds rounds; one that was interrupted is finished before another begins.

    start = current_start(layout, rounds=2, more=False)     # None: nothing to do

`starts.json` holds, for each start, the first and last round that it adds. A start is over when its last measurement, in
`final-NNN`, has its manifest.
"""

from __future__ import annotations

from selfimprove.errors import StoreError
from selfimprove.records.base import Record
from selfimprove.store.layout import Layout, read_json, write_json
from selfimprove.store.stage import read_manifest


class Start(Record):
    first: int
    last: int
    stopped: str = ""
    """Why it ended before `last`; empty when it did not."""


def starts(layout: Layout) -> list[Start]:
    return [Start.model_validate(row) for row in read_json(layout.root / "starts.json") or []]


def is_over(layout: Layout, start: Start) -> bool:
    return read_manifest(layout.final(start.last) / "evaluate") is not None


def current_start(layout: Layout, rounds: int, more: bool) -> Start | None:
    """The interrupted start, else a new one when the run has none yet or `more` are wanted, else None."""
    known = starts(layout)
    if known and not is_over(layout, known[-1]):
        return known[-1]
    if known and not more:
        return None
    first = (known[-1].last if known else 0) + 1
    start = Start(first=first, last=first + rounds - 1)
    _write(layout, [*known, start])
    return start


def finished_rounds(layout: Layout) -> int:
    """The last round of a complete start, to compare a control with. Raises StoreError when there is none."""
    known = starts(layout)
    if not known or not is_over(layout, known[-1]):
        raise StoreError(f"{layout.root}: has no complete start to compare with; run `selfimprove run CONFIG` to its end first")
    if known[-1].last == 0:
        raise StoreError(f"{layout.root}: has no rounds to compare with; add some with `selfimprove run CONFIG --more`")
    return known[-1].last


def stop_early(layout: Layout, start: Start, last: int, why: str) -> Start:
    """Ends a start after round `last`."""
    known = starts(layout)
    new = start.model_copy(update={"last": last, "stopped": why})
    _write(layout, [*(s for s in known if s.first != start.first), new])
    return new


def _write(layout: Layout, rows: list[Start]) -> None:
    write_json(layout.root / "starts.json", [row.model_dump() for row in rows])
