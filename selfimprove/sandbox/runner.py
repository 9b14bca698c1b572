"""The parent's side of the sandbox: tool calls go out, one result for each call comes back.

What it is: a batch runs in one fresh `python -I` child with its own session, limits on memory, processor time,
file size and open files, a wall-clock limit for each call, an empty environment and a working directory of its
own. A call that hangs or kills the child costs only itself: the rest goes on in a new child. The child ends with the
parent, `kill -9` included. The parent never imports a tool module.
What it is not: a wall against hostile code. Neither network nor user is taken away yet.

    results = run_calls(["configs/seeds/tools/units.py"], [{"name": "convert_length", "arguments": {...}}])
    results[0].ok, results[0].value
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfimprove.errors import ToolError

CHILD = Path(__file__).with_name("child.py")
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0  # a loaded machine starts an interpreter slowly; this is never charged to a call
LARGEST_LINE = 1 << 20  # bytes of one result


@dataclass(frozen=True)
class Result:
    """What one call gave: `value` (any JSON) when `ok`, otherwise `error` (one sentence)."""

    ok: bool
    value: Any = None
    error: str | None = None


def run_calls(
    module_paths: Sequence[str | Path],
    calls: Sequence[Mapping[str, Any]],
    *,
    seconds: float = 5.0,
    memory_mb: int = 512,
) -> list[Result]:
    """One Result for each `{"name", "arguments"}` of `calls`, in order; `seconds` is wall time for each call.

    Raises ToolError for a module file that is not there. One that does not load fails the calls of its own tools only.
    """
    for path in module_paths:
        if not Path(path).is_file():
            raise ToolError(f"{path}: there is no such tool module; correct the path, or put the file there")
    results: list[Result] = []
    while len(results) < len(calls):
        results += _run_child(module_paths, calls[len(results) :], seconds, memory_mb)
    return results


def _run_child(
    module_paths: Sequence[str | Path], calls: Sequence[Mapping[str, Any]], seconds: float, memory_mb: int
) -> list[Result]:
    """Results up to and with the first call that ended the child: at least one, so that the caller's loop ends."""
    job = {
        "package_root": str(PACKAGE_ROOT),
        "modules": [str(Path(path).resolve()) for path in module_paths],
        "calls": [{"name": call["name"], "arguments": call["arguments"]} for call in calls],
        "memory_mb": memory_mb,
        "cpu_seconds": int(seconds * len(calls) + START_SECONDS) + 1,
    }
    with tempfile.TemporaryDirectory(prefix="selfimprove-sandbox-", ignore_cleanup_errors=True) as folder:
        job_file = Path(folder) / "job.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        child = subprocess.Popen(
            [sys.executable, "-I", "-B", str(CHILD), str(job_file)],
            stdin=subprocess.PIPE,  # never written to: the kernel closes it when this process dies, and the child sees that
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
        )
        try:
            return _collect(child, len(calls), seconds)
        finally:
            _end_group(child)


def _collect(child: subprocess.Popen[bytes], count: int, seconds: float) -> list[Result]:
    assert child.stdout is not None
    lines = _Lines(child.stdout.fileno())
    if lines.next(START_SECONDS) != b"ready":
        return [Result(False, None, "the sandbox child did not start: a tool module hangs or ends its interpreter")] * count
    results: list[Result] = []
    while len(results) < count:
        line = lines.next(seconds)
        if not line:
            reason = "the call ended its interpreter" if lines.ended else f"the call took longer than {seconds:g} s"
            return [*results, Result(False, None, reason)]
        try:
            results.append(Result(**json.loads(line)))
        except (ValueError, TypeError):
            return [*results, Result(False, None, "the call wrote something that is no result")]
    return results


def _end_group(child: subprocess.Popen[bytes]) -> None:
    # The group, not the child: a tool may have started processes of its own.
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


class _Lines:
    """Lines of a pipe, each with a time limit; b"" when time is up or the pipe has ended."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.buffer, self.ended = descriptor, b"", False
        self.selector = selectors.DefaultSelector()
        self.selector.register(descriptor, selectors.EVENT_READ)

    def next(self, seconds: float) -> bytes:
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not self.selector.select(left):
                return b""
            chunk = os.read(self.descriptor, 65536)
            self.buffer += chunk
            if not chunk or len(self.buffer) > LARGEST_LINE:
                self.ended = True
                return b""
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line
