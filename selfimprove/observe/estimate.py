"""How long a stage and the whole run still take, from planned seconds corrected by what was seen.

    estimate = Estimate(planned=600); estimate.start(120); estimate.update(Progress(...)); estimate.stage()

A stage's ETA is the larger of what its plan has left and what its own rate says of the work announced: a stage
announces its parts (lists, requests, answers) one after the other, so the rate alone promises too little.
"""

from __future__ import annotations

from collections.abc import Callable

from selfimprove.events import Progress

SLOWEST, FASTEST = 4.0, 0.25
"""Bounds of the correction: one odd stage must not turn the whole estimate."""

ENOUGH = 8
"""So many units, or a twentieth, tell how long the rest takes: the first of a batch comes when all of it was begun."""


class Estimate:
    def __init__(self, planned: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._others = planned
        """Planned seconds of the stages not begun."""
        self._planned = 0.0
        self._began = clock()
        self._first: tuple[float, int] = (0.0, 0)
        self._pace_spent = self._pace_planned = 0.0
        self.latest: Progress | None = None
        self.rate = 0.0
        """Units a second of the part at work, since its first event (what was on disk before is not counted)."""

    def start(self, planned: float) -> None:
        self._planned, self._began = planned, self._clock()
        self._others = max(0.0, self._others - planned)
        self.latest, self.rate = None, 0.0

    def update(self, event: Progress) -> None:
        now = self._clock()
        if self.latest is None or self.latest.what != event.what or event.done < self._first[1]:
            self._first = (now, event.done)
        elapsed = now - self._first[0]
        self.rate = self._seen(event) / elapsed if elapsed > 0 else 0.0
        self.latest = event

    def _seen(self, event: Progress) -> int:
        return event.done - self._first[1]

    def _tells(self, event: Progress) -> bool:
        return self._seen(event) >= min(ENOUGH, (event.total - self._first[1]) / 20)

    def finish(self, seconds: float, reused: bool) -> float:
        """Returns what was planned for the stage that ended."""
        planned, self._planned = self._planned, 0.0
        if planned and not reused:
            self._pace_spent += seconds
            self._pace_planned += planned
        self.latest, self.rate = None, 0.0
        return planned

    @property
    def elapsed(self) -> float:
        """Seconds since the stage was started."""
        return self._clock() - self._began

    def stage(self) -> float | None:
        """Seconds the stage still takes; None when nothing is known yet."""
        known = []
        if self._planned:
            known.append(max(0.0, self._planned - self.elapsed))
        if self.latest and self.latest.total and self.rate > 0 and self._tells(self.latest):
            known.append((self.latest.total - self.latest.done) / self.rate)
        return max(known) if known else None

    def run(self) -> float | None:
        """Seconds the whole run still takes; None without a plan."""
        stage = self.stage()
        if not self._others:
            return None
        pace = self._pace_spent / self._pace_planned if self._pace_planned else 1.0
        return self._others * min(SLOWEST, max(FASTEST, pace)) + (stage or 0.0)
