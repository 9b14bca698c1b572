"""A process that has torch and DeepSpeed loaded, and forks: a training of a test starts at once, not in ten seconds.

    with Warm(folder) as warm:
        train(model, rows, out, config, launcher=warm, ...)        # the real worker in real processes
        warm.call("tests.e2e.planted:exports", str(model))       # what that function returns, run beside torch

That DeepSpeed's own launcher starts and ends the same ranks is shown by the tests that name no launcher.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from selfimprove.config.model import Train
from selfimprove.train.launcher import OneMachine, _free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
DATA_GB = "TEST_DATA_GB"
ASKS = """
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
socket.send_fds(link, [json.dumps({"words": sys.argv[2:], "environment": dict(os.environ)}).encode()], [0, 1, 2])
sys.exit(int(link.makefile().read() or 1))
"""
"""A light process that stands for the launcher: its standard streams are those of the ranks, its exit code is theirs."""


class Warm:
    """A `Launcher` (see `selfimprove.train.launcher`)."""

    def __init__(self, folder: Path) -> None:
        # The path of a socket may have 107 bytes, and a test's folder alone may have them.
        self._folder = tempfile.TemporaryDirectory(prefix="warm")
        self._address = str(Path(self._folder.name) / "socket")
        self._log = folder / "warm.log"
        self._more: dict[str, str] = {}
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.warm", self._address], cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log,
                env={**os.environ, **OneMachine().environment(Train())},
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not Path(self._address).exists():
            assert self._server.poll() is None and time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.05)

    def command(self, out: Path, config: Train) -> list[str]:
        return self._words("selfimprove.train.worker:main", str(config.processes), str(_free_port()), str(out))

    def environment(self, config: Train) -> dict[str, str]:
        return OneMachine().environment(config) | self._more

    def with_memory(self, gb: float) -> Warm:
        """The same, with so much memory for a rank to allocate."""
        other = copy.copy(self)
        other._more = {DATA_GB: str(gb)}
        return other

    def call(self, name: str, *arguments: str) -> Any:
        """What a function returns, as JSON."""
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "result.json"
            words = self._words("tests.e2e.warm:answer", "1", str(_free_port()), str(result), name, *arguments)
            done = subprocess.run(words, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr[-4000:]
            return json.loads(result.read_text())

    def _words(self, function: str, *arguments: str) -> list[str]:
        return [sys.executable, "-S", "-c", ASKS, self._address, function, *arguments]

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()
        self._folder.cleanup()


def answer() -> int:
    """In a fork: calls a function with texts, and writes down what it returns."""
    result, name, *arguments = sys.argv[1:]
    Path(result).write_text(json.dumps(_named(name)(*arguments)))
    return 0


def main() -> None:
    """The server: never starts a thread, so that its forks are whole. Ends when its standard input closes."""
    from selfimprove.train.watch import skip_unused

    skip_unused()
    for name in ("deepspeed", "datasets", "peft", "transformers.models.llama.modeling_llama", "selfimprove.train.worker"):
        importlib.import_module(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1] + ".part")
    listener.listen()
    Path(sys.argv[1] + ".part").rename(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while 0 not in select.select([listener, 0], [], [])[0]:
        link, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            os._exit(_serve(link))
        link.close()


def _serve(link: socket.socket) -> int:
    """Forks the ranks of one training; the first that fails takes the others along, as DeepSpeed's launcher has it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    asked, streams, _, _ = socket.recv_fds(link, 1 << 20, 3)
    request = json.loads(asked)
    function, processes, port, *arguments = request["words"]
    ranks = []
    for rank in range(int(processes)):
        if (child := os.fork()) == 0:
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            _become(streams, {**request["environment"], **{name: str(value) for name, value in place.items()}}, arguments)
            os._exit(_run(function))
        ranks.append(child)
    for stream in streams:
        os.close(stream)
    code = 0
    for _ in ranks:
        _, status = os.wait()
        code = code or os.waitstatus_to_exitcode(status)
        if code:
            for rank in ranks:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rank, signal.SIGKILL)
    link.sendall(str(code % 256).encode())
    return 0


def _become(streams: list[int], environment: dict[str, str], arguments: list[str]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["fork", *arguments]
    if DATA_GB in environment:
        resource.setrlimit(resource.RLIMIT_DATA, (int(float(environment[DATA_GB]) * 1e9),) * 2)


def _run(function: str) -> int:
    try:
        return int(_named(function)())
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _named(name: str) -> Any:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


if __name__ == "__main__":
    main()
