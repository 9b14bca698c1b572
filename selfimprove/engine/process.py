"""The engine seen from the parent: one worker child or several, and requests shared out among them as they have room.

    with WorkerEngine(plan_workers(config, model, seed=7), log_dir, start_seconds=600, stall_seconds=1800) as engine:
        for completion in engine.complete(requests): ...

Workers start at the first request. What this is not: a scheduler. Inside a worker the library batches as it likes.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from selfimprove.child import Child
from selfimprove.engine.settings import Spec
from selfimprove.errors import EngineError
from selfimprove.events import Note, emit
from selfimprove.records import Completion, Request

AHEAD = 2
"""Samples given to a worker, as a multiple of what it decodes together: its next batch is there before it asks."""
HOPELESS = 16
"""So many failed requests without one success are a fault of the engine, not of the requests."""

Plan = list[tuple[Spec, dict[str, str]]]


@dataclass(eq=False)
class Worker:
    number: int
    child: Child
    room: int
    owed: dict[str, Request] = field(default_factory=dict)
    ready: bool = False

    @property
    def samples(self) -> int:
        return sum(request.k for request in self.owed.values())


class WorkerEngine:
    def __init__(self, plan: Plan, log_dir: Path, *, start_seconds: float, stall_seconds: float) -> None:
        self._plan = plan
        self._log_dir = log_dir
        self._start_seconds = start_seconds
        self._stall_seconds = stall_seconds
        self._workers: list[Worker] = []
        self._rows: queue.Queue[tuple[Worker, dict[str, Any] | None]] = queue.Queue()

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Raises EngineError when a worker dies, stalls or never gets ready. An iterator left early ends the workers."""
        waiting = _Once(requests)
        failed = succeeded = 0
        if not waiting.more:
            return
        if not self._workers:
            self._start()
        finished = False
        try:
            while self._deal(waiting):
                request, answer = self._answer()
                if "failed" in answer:
                    failed += 1
                    yield from self._nothing(request, answer["failed"], hopeless=failed >= HOPELESS and not succeeded)
                else:
                    succeeded += 1
                    yield from (Completion.model_validate(row) for row in answer["completions"])
            finished = True
        finally:
            if not finished:
                self.close()

    def _start(self) -> None:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        for number, (spec, environment) in enumerate(self._plan):
            file = self._log_dir / f"engine-{number}.json"
            spec.write(file)
            command = [sys.executable, "-m", "selfimprove.engine.worker", str(file)]
            child = Child(command, log=self._log_dir / f"engine-{number}.log", environment=environment)
            worker = Worker(number, child, room=AHEAD * spec.max_sequences)
            self._workers.append(worker)
            threading.Thread(target=_pump, args=(worker, self._rows), daemon=True).start()
        self._await_ready()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + self._start_seconds
        while slow := [worker for worker in self._workers if not worker.ready]:
            try:
                worker, row = self._rows.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise self._gone(slow[0], f"is not ready after {self._start_seconds:g} s (engine.start_seconds)") from None
            if row is None or "ready" not in row:
                raise self._gone(worker, _why(row, "ended while it started"))
            worker.ready = True

    def _deal(self, waiting: _Once) -> bool:
        """Gives requests to the least busy worker that has room. False when nothing waits and nothing is owed."""
        while waiting.more:
            worker = min(self._workers, key=lambda w: w.samples)
            request = waiting.next
            if worker.owed and worker.samples + request.k > worker.room:
                return True
            if any(request.id in other.owed for other in self._workers):
                raise EngineError(f"two requests are named {request.id!r}; give every request an id of its own")
            worker.owed[request.id] = request
            with contextlib.suppress(OSError):  # a dead worker's end is reported by its reader
                worker.child.send(request.model_dump(mode="json"))
            waiting.advance()
        return any(worker.owed for worker in self._workers)

    def _answer(self) -> tuple[Request, dict[str, Any]]:
        try:
            worker, row = self._rows.get(timeout=self._stall_seconds)
        except queue.Empty:
            stalled = next(worker for worker in self._workers if worker.owed)
            why = f"has given no answer for {self._stall_seconds:g} s (engine.stall_seconds)"
            raise self._gone(stalled, why) from None
        if row is None or "request" not in row:
            raise self._gone(worker, _why(row, "died"))
        return worker.owed.pop(row["request"]), row

    def _nothing(self, request: Request, reason: str, *, hopeless: bool) -> list[Completion]:
        if hopeless:
            raise EngineError(f"none of the first {HOPELESS} requests could be answered ({reason}); see {self._log_dir}")
        emit(Note(f"request {request.id} cannot be given to the model ({reason}); it counts as too long", "warning"))
        empty = Completion(request=request.id, index=0, text="", finish="too_long", prompt_tokens=0)
        return [empty.model_copy(update={"index": index}) for index in range(request.k)]

    def _gone(self, worker: Worker, what: str) -> EngineError:
        """Ends everything, then says what happened with the worker's last words."""
        worker.child.end(grace=0.5)
        lines = worker.child.last_lines()
        self.close()
        return EngineError(f"engine worker {worker.number} {what}; its log {worker.child.log} ends with:\n{lines}")

    def close(self) -> None:
        """Raises EngineError when a process of a worker's group is still there: its memory is not back."""
        workers, self._workers = self._workers, []
        self._rows = queue.Queue()
        for worker in workers:
            with contextlib.suppress(OSError):  # all at once; `end` then waits for each
                if worker.child.process.stdin:
                    worker.child.process.stdin.close()
        for worker in workers:
            worker.child.end()
        for worker in workers:
            if left := _wait_for_group(worker.child.process.pid):
                raise EngineError(f"processes {left} of engine worker {worker.number} do not end; kill them by hand")

    def __enter__(self) -> WorkerEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Once:
    """An iterable with a look at its next item: a request is taken only when a worker has room for it."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._iterator = iter(requests)
        self.advance()

    def advance(self) -> None:
        self._next = next(self._iterator, None)

    @property
    def more(self) -> bool:
        return self._next is not None

    @property
    def next(self) -> Request:
        assert self._next is not None
        return self._next


def _pump(worker: Worker, rows: queue.Queue[tuple[Worker, dict[str, Any] | None]]) -> None:
    while (row := worker.child.receive()) is not None:
        rows.put((worker, row))
    rows.put((worker, None))


def _why(row: dict[str, Any] | None, otherwise: str) -> str:
    return f"{otherwise} ({str(row['died']).splitlines()[0]})" if row and "died" in row else otherwise


def group_members(group: int) -> list[int]:
    """Processes of a process group that still hold memory (zombies hold none), read from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # pid (name) state parent group ...; the name may hold anything, so split after its last bracket.
                state, _, pgrp = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(pgrp) == group and state not in "ZX" and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
    return found


def _wait_for_group(group: int, seconds: float = 10.0) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := group_members(group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
