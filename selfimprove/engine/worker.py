"""The child that owns a model: request rows in on standard input, completion rows out on standard output.

    python -m selfimprove.engine.worker SPEC.json
    <- {"ready": {"seconds": 14.2}}
    -> {"id": "a", "messages": [...], "k": 4, ...}                      a Request
    <- {"request": "a", "completions": [{...}, {...}, {...}, {...}]}    all k together; `failed` says why nothing was made

It ends, and takes its process group along, when standard input closes (so it dies with its parent, however the parent
dies) or on SIGTERM. An error inside one request is an answer to that request; only a broken engine ends the worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from selfimprove.engine.settings import Spec

GRACE_SECONDS = 2.0
"""From the end of input to the end of the group; an engine that is free ends itself sooner."""


def main() -> None:
    rows = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what libraries print belongs in the log, not among the rows
    signal.signal(signal.SIGTERM, lambda *_: _end_group())
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    try:
        _serve(Spec.read(Path(sys.argv[1])), requests, rows)
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(OSError):
            rows.write(json.dumps({"died": f"{type(error).__name__}: {str(error).strip() or 'no message'}"}) + "\n")
        sys.stderr.flush()
    _end_group()


def _read(requests: queue.Queue[dict[str, Any] | None]) -> None:
    """Started before the slow imports, so that the parent never waits on a full pipe."""
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin.buffer:
            requests.put(json.loads(line))
    requests.put(None)
    time.sleep(GRACE_SECONDS)
    _end_group()


def _end_group() -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpgid(0), signal.SIGKILL)
    os._exit(1)


def _serve(spec: Spec, requests: queue.Queue[dict[str, Any] | None], rows: TextIO) -> None:
    started = time.monotonic()
    from selfimprove.engine.backend import load_backend
    from selfimprove.engine.desk import Desk

    backend = load_backend(spec)
    desk = Desk(Path(spec.model), backend, spec.max_model_len)
    rows.write(json.dumps({"ready": {"seconds": round(time.monotonic() - started, 1)}}) + "\n")
    while _take(requests, desk):
        for answer in desk.work():
            rows.write(json.dumps(answer) + "\n")
    backend.close()


def _take(requests: queue.Queue[dict[str, Any] | None], desk: Any) -> bool:
    """Hands over what has arrived; waits only when there is nothing to do. False at the end of input."""
    while True:
        try:
            request = requests.get(block=not desk.busy)
        except queue.Empty:
            return True
        if request is None:
            return False
        desk.accept(request)


if __name__ == "__main__":
    main()
