"""Live progress in the terminal: a sink for events.

    with watching(planned_seconds(config, rounds=2)):
        ...run the stages...

    round 1 · generate   answers ━━━━━━━━──────── 120/240   3.1/s   ETA 1m20s   run 14m05s

On a terminal one live line; elsewhere a line at the start and end of each stage and at most one every ten seconds in
between. Writes to standard error, so that standard output keeps only results. What this is not: the source of any
figure in the table or the report; those are read from files.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from selfimprove.events import Event, Note, Progress, StageFinished, StageStarted, listening
from selfimprove.observe.estimate import Estimate
from selfimprove.observe.table import clean
from selfimprove.observe.words import duration

QUIET_SECONDS = 10.0
"""Least time between two progress lines where there is no terminal."""
BAR = 16
"""Width of the bar in characters."""


class Planned(Protocol):
    """What is read of a configuration."""

    @property
    def plan(self) -> Mapping[str, int]: ...


def planned_seconds(config: Planned, rounds: int, bootstrap: bool = True) -> float:
    """Planned seconds of a start: the bootstrap unless it is done, `rounds` rounds and the final measurement."""
    times = {"bootstrap": int(bootstrap), "round": rounds, "final": 1}
    return float(sum(seconds * times.get(key.split("/")[0], 0) for key, seconds in config.plan.items()))


@contextmanager
def watching(planned: float = 0.0, console: Console | None = None) -> Iterator[Terminal]:
    """Shows events for the time of a `with` block; the terminal is put right however the block ends."""
    terminal = Terminal(planned, console)
    with terminal, listening(terminal):
        yield terminal


class Steady(Console):
    """A console whose reader may go away (`2>&1 | head`): rich would end the process, and a run with it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Terminal:
    """The sink. Events may come from any thread. A terminal that is gone never fails a stage."""

    def __init__(
        self, planned: float = 0.0, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console or Steady(stderr=True, highlight=False)
        self.estimate = Estimate(planned, clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._label = ""
        self._quiet_until = 0.0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(console=self.console, get_renderable=self._line, transient=True, refresh_per_second=4)
            self._live.start()
            # Live hides the cursor; after a kill -9 nobody would bring it back.
            self.console.show_cursor(True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            with contextlib.suppress(OSError, ValueError):
                self._live.stop()
            self._live = None

    def __call__(self, event: Event) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            match event:
                case StageStarted():
                    self._started(event)
                case Progress():
                    self._progress(event)
                case StageFinished():
                    self._finished(event)
                case Note():
                    self._print(Text(clean(event.text), style="yellow" if event.level == "warning" else ""))

    def _started(self, event: StageStarted) -> None:
        self._label = label(event.stage, event.round, event.part)
        self.estimate.start(event.planned_seconds)
        self._quiet_until = self._clock() + QUIET_SECONDS
        if not self._live:
            planned = f", planned {event.planned_seconds:.0f} s" if event.planned_seconds else ""
            self._print(Text(f"{self._label}   started{planned}"))

    def _progress(self, event: Progress) -> None:
        self.estimate.update(event)
        if not self._label or self._label == event.stage:
            # Work outside any stage (a model being converted) has a label only while it goes on.
            self._label = "" if event.total and event.done >= event.total else event.stage
        if self._live or self._clock() < self._quiet_until:
            return
        self._quiet_until = self._clock() + QUIET_SECONDS
        self._print(self._line())

    def _finished(self, event: StageFinished) -> None:
        planned = self.estimate.finish(event.seconds, event.reused)
        text = Text(f"{self._label}   ")
        if event.reused:
            text.append(f"was already done, in {event.seconds:.0f} s")
        else:
            text.append(f"spent {event.seconds:.0f} s" + (f", planned {planned:.0f} s" if planned else ""))
        text.append(_counted(event.counts), style="dim")
        self._label = ""
        self._print(text)

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)

    def _line(self) -> Text:
        """The live line. Reads what the events left behind and takes no lock: rich calls it from its own thread."""
        estimate, label_ = self.estimate, self._label
        if not label_:
            return Text("")
        text = Text(f"{label_}   ", no_wrap=True, overflow="ellipsis")
        latest = estimate.latest
        if latest:
            text.append(f"{clean(latest.what)} ")
            if self._live and latest.total:
                text.append_text(_bar(latest.done / latest.total, self.console.options.ascii_only))
            text.append(f"{latest.done}/{latest.total}" if latest.total else "")
            text.append(f"   {estimate.rate:.3g}/s" if estimate.rate else "")
            text.append(f"   {clean(latest.detail)}" if latest.detail else "", style="dim")
        for name, seconds in (("ETA", estimate.stage()), ("run", estimate.run())):
            text.append(f"   {name} {duration(seconds)}" if seconds is not None else "")
        text.append(f"   {duration(estimate.elapsed)} so far" if estimate.stage() is None else "")
        return text


def label(stage: str, round_: int, part: str = "round") -> str:
    """Such as "round 1 · generate"; round 0 is the bootstrap."""
    where = part if part != "round" else f"round {round_}" if round_ else "bootstrap"
    return clean(f"{where} · {stage}")


def _bar(share: float, ascii_only: bool) -> Text:
    filled = round(BAR * min(1.0, max(0.0, share)))
    done, owed = ("#", "-") if ascii_only else ("━", "─")
    return Text.assemble((done * filled, "green"), (owed * (BAR - filled), "dim"), " ")


def _counted(counts: Mapping[str, float], most: int = 4) -> str:
    shown = [f"{clean(name).replace('_', ' ')} {value:.4g}" for name, value in list(counts.items())[:most]]
    return "   " + ", ".join(shown) if shown else ""
