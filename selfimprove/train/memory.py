"""Whether a training that died ran out of memory: by what it said, or by the kernel's count of processes it killed.

    before = kernel_kills()
    ...
    ran_out(said, before)
"""

from __future__ import annotations

import contextlib
from pathlib import Path

PHRASES = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory", "memoryerror")
"""What torch says on a GPU and on a CPU, what Python says, and what the kernel does; in lower case."""
COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


def ran_out(said: str, kills_before: int | None) -> bool:
    """`said`: the error of a rank; empty when it died without a word, as by the kernel's hand or a person's."""
    if said:
        return any(phrase in said.lower() for phrase in PHRASES)
    now = kernel_kills()
    return kills_before is not None and now is not None and now > kills_before


def kernel_kills(counters: tuple[Path, ...] = COUNTERS) -> int | None:
    """Processes that the kernel killed for want of memory so far: of the control group, else of the machine; None where
    neither is told."""
    for file in counters:
        with contextlib.suppress(OSError, ValueError):
            found = dict(line.split()[:2] for line in file.read_text(encoding="ascii").splitlines())
            if "oom_kill" in found:
                return int(found["oom_kill"])
    return None
