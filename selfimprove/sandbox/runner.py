"""The parent's side of the sandbox: tool calls go out, one result for each call comes back.

What it is: a batch runs under one fresh `python -I`, each call in a process of its own, behind the walls of `walls.py`: another
user, no network, no files but Python's and its module's, an empty environment and folder, limits on time, memory, processor,
files, processes and output. A call that hangs, forks away or ends its interpreter costs only itself. Everything ends with the
parent, `kill -9` included. The parent never imports a tool module. Where this machine refuses a wall, `missing_walls` says so.
What it is not: a virtual machine, nor a judge of the arguments beyond their schema.

    results = run_calls(["configs/seeds/tools/units.py"], [{"name": "convert_length", "arguments": {...}}])
    results[0].ok, results[0].value
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
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
from selfimprove.records.sound import is_sound

CHILD = Path(__file__).with_name("child.py")
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0  # a loaded machine starts an interpreter slowly; this is never charged to a call
GRACE_SECONDS = 5.0  # the child judges a call's time itself; this is for a child that no longer can
LARGEST_RESULT = 1 << 20  # bytes of one result as JSON
PROCESSES = 32
OVER = {3: "needs more memory than it may have", 4: "writes more than its folder may hold"}
"""Why a child ended itself, by its exit code: what all processes of a call hold together."""

Schemas = Mapping[str, Mapping[str, Any]]


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
    schemas: Schemas | None = None,
    seconds: float = 5.0,
    memory_mb: int = 512,
) -> list[Result]:
    """One Result for each `{"name", "arguments"}` of `calls`, in order.

    Args:
        schemas: JSON Schema of the arguments by tool name; a call that does not fit is a failed Result and is not run.
        seconds: wall time for each call.
        memory_mb: address space of each process; all of a batch's processes together may hold twice that.

    Raises ToolError for a module file that is not there, and where nothing can be run unprivileged. A module that does not load
    fails the calls of its own tools only.
    """
    for path in module_paths:
        if not Path(path).is_file():
            raise ToolError(f"{path}: there is no such tool module; correct the path, or put the file there")
    found: dict[int, Result] = {}
    for number, call in enumerate(calls):
        if why := _unfit(call, schemas):
            found[number] = Result(False, None, why)
    owed = [number for number in range(len(calls)) if number not in found]
    while owed:
        results, _ = _run_child(module_paths, [calls[number] for number in owed], seconds, memory_mb)
        found.update(zip(owed, results, strict=False))
        owed = owed[len(results) :]
    return [found[number] for number in range(len(calls))]


def missing_walls() -> list[str]:
    """What this machine cannot keep a tool call from, a sentence each; found out by building a sandbox. Empty: all holds."""
    return _run_child([], [], 1.0, 512)[1]


def _unfit(call: Mapping[str, Any], schemas: Schemas | None) -> str:
    name, arguments = call.get("name"), call.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, dict) or not is_sound([name, arguments]):
        return "a call is a tool's name and an object of arguments that JSON text can carry"
    if schemas is None or name not in schemas:
        return ""
    from jsonschema import Draft202012Validator

    error = next(Draft202012Validator(schemas[name]).iter_errors(arguments), None)
    return f"the arguments do not fit the tool's schema: {error.message}"[:500] if error else ""


def _run_child(
    module_paths: Sequence[str | Path], calls: Sequence[Mapping[str, Any]], seconds: float, memory_mb: int
) -> tuple[list[Result], list[str]]:
    """Results up to and with the first call that ended the child (at least one, if there are calls), and the missing walls."""
    modules = [Path(path).resolve() for path in module_paths]
    job = {
        "package_root": str(PACKAGE_ROOT), "modules": [str(module) for module in modules],
        "readable": [str(PACKAGE_ROOT / "selfimprove"), *sorted({_visible(module) for module in modules})],
        "calls": [{"name": call["name"], "arguments": call["arguments"]} for call in calls],
        "seconds": seconds, "memory_mb": memory_mb, "processes": PROCESSES, "largest": LARGEST_RESULT,
    }  # fmt: skip
    # No TemporaryDirectory: Python before 3.11.8 follows a link that a tool left there when it cleans up (CVE-2023-6597).
    folder = Path(tempfile.mkdtemp(prefix="selfimprove-sandbox-")).resolve()
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", str(CHILD)],
        stdin=subprocess.PIPE,  # the kernel closes it when this process dies, and the child sees that
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={},
        start_new_session=True,
    )
    try:
        assert child.stdin is not None
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(job).encode() + b"\n")
            child.stdin.flush()
        return _collect(child, len(calls), seconds)
    finally:
        _end(child)
        shutil.rmtree(folder, ignore_errors=True)


def _visible(module: Path) -> str:
    """What a tool may read beside Python: its module's folder, but never a whole home, in which a module may lie."""
    home = Path.home().resolve()
    return str(module if module.parent in (home, *home.parents) else module.parent)


def _collect(child: subprocess.Popen[bytes], count: int, seconds: float) -> tuple[list[Result], list[str]]:
    assert child.stdout is not None
    lines = _Lines(child.stdout.fileno())
    first = _row(lines.next(START_SECONDS))
    if "refused" in first:
        raise ToolError(f"tools cannot be run in the sandbox: {first['refused']}")
    if "ready" not in first:
        return [Result(False, None, "the sandbox child did not start: a tool module hangs or ends its interpreter")] * count, []
    results: list[Result] = []
    while len(results) < count:
        row = _row(line := lines.next(seconds + GRACE_SECONDS))
        if "again" in row and results:
            break
        if "ok" not in row:
            _end(child)
            results.append(Result(False, None, _why(child, lines, line, seconds)))
            break
        results.append(_result(row))
    return results, first["missing"]


def _why(child: subprocess.Popen[bytes], lines: _Lines, line: bytes, seconds: float) -> str:
    if child.returncode in OVER:
        return f"the call {OVER[child.returncode]}"
    return "the call ended its interpreter" if line or lines.ended else f"the call took longer than {seconds:g} s"


def _row(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _result(row: dict[str, Any]) -> Result:
    if row["ok"] and not is_sound(row["value"]):
        return Result(False, None, "the call's result holds a value that JSON text cannot carry, or nesting beyond 64 levels")
    return Result(True, row["value"]) if row["ok"] else Result(False, None, row["error"])


def _end(child: subprocess.Popen[bytes]) -> None:
    """Its closing input makes the supervisor end all that it started; the group is ended here only if it does not."""
    assert child.stdin is not None and child.stdout is not None
    with suppress(BrokenPipeError):
        child.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        child.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()


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
            if not chunk:
                self.ended = True
                return b""
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line
