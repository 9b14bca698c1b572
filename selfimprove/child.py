"""A heavy or unsafe thing as a child process: its own group, its own log, and an end that nobody can forget.

    with Child([sys.executable, "-m", "selfimprove.engine.worker", spec], log=Path("engine.log")) as child:
        child.send({"id": 1})
        row = child.receive(timeout=60)

A child must end when its standard input closes (`end_with_parent`), so it dies with its parent however the parent
dies, `kill -9` included. It is started in a session of its own: Ctrl-C reaches the parent only, which then ends it.
What this is not: a sandbox (see `selfimprove.sandbox`).
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

READY_LINES = 12


class Child:
    """A child that talks JSON Lines: rows in on its standard input, rows out on its standard output, logs to `log`."""

    def __init__(
        self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._began: float | None = time.monotonic()
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, cwd=cwd,
                env={**os.environ, **(environment or {})}, start_new_session=True,
            )  # fmt: skip
        self._rows: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._rows.put(line.decode("utf-8", "replace"))
        self._rows.put(None)

    def send(self, row: Any) -> None:
        """Raises BrokenPipeError when the child is gone."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(row).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self, timeout: float | None = None) -> Any | None:
        """The child's next row; None when it has ended. Raises TimeoutError. Lines that are no JSON go to the log."""
        while True:
            try:
                line = self._rows.get(timeout=timeout)
            except queue.Empty:
                raise TimeoutError from None
            if line is None:
                self._rows.put(None)
                return None
            try:
                return json.loads(line)
            except ValueError:
                with self.log.open("a", encoding="utf-8") as log:
                    log.write(line)

    def end(self, grace: float = 5.0) -> int:
        """Closes its input, waits, and then ends the whole group. Returns the exit code."""
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        # The leader may be gone while members of its group live on: the group is ended in every case.
        self._signal(signal.SIGKILL)
        self._record_life()
        return self.process.wait()

    def _record_life(self) -> None:
        """How long it lived, once, beside its log: what `make bench NAME=overhead` adds up."""
        if self._began is None:
            return
        row = {"log": self.log.name, "seconds": round(time.monotonic() - self._began, 2)}
        self._began = None
        with contextlib.suppress(OSError), self.log.with_name("children.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def last_lines(self, count: int = READY_LINES) -> str:
        """The last lines of its log, for the message that reports its death."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            return "\n".join([line for line in lines if line.strip()][-count:])
        return "(no log)"

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(grace=5.0 if kind is None else 0.5)


def end_with_parent() -> None:
    """Call first in a child that gets no rows: ends its whole group as soon as standard input closes."""

    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        _end_group()

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: _end_group())


def _end_group() -> None:
    sys.stderr.write("the parent is gone or asked for the end: ending the group\n")
    sys.stderr.flush()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os._exit(1)
