"""One process at a time works on a run: an advisory lock that the system releases however the holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfimprove.errors import StoreError
from selfimprove.store.jsonl import write_error


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Raises StoreError naming the process that holds the run."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        raise write_error(root, error) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 32, 0).decode().strip() or "another process"
            raise StoreError(f"{root}: is being worked on by process {holder}; wait for it or use another run.name") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
