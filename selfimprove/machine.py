"""What this machine has: GPUs and free memory, found without loading a model library.

    gpus(), free_memory()
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path


def gpus() -> int:
    """NVIDIA devices that may be used."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = len(list(Path("/dev").glob("nvidia[0-9]*")))
    return min(count, len([d for d in visible.split(",") if d.strip()])) if visible is not None else count


def has_nvidia() -> bool:
    """Whether this machine has an NVIDIA driver, without loading torch."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def gpu_memory() -> float:
    """Bytes of the smallest GPU; 0 where the driver does not tell."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.split()
        return min(float(line) for line in told) * 2**20
    return 0.0


def free_memory(meminfo: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes that may still be taken: what the system has free, or what the control group allows if that is less."""
    free = _numbers(meminfo).get("MemAvailable:", 0.0) * 1024
    limit = group / "memory.max"
    if limit.exists() and limit.read_text().strip().isdigit():
        # Page cache is counted as used, but the kernel gives it back before it refuses anything.
        cached = _numbers(group / "memory.stat").get("inactive_file", 0.0)
        free = min(free, float(limit.read_text()) - float((group / "memory.current").read_text()) + cached)
    return free


def _numbers(file: Path) -> dict[str, float]:
    """The second word of each line by its first, as /proc/meminfo and memory.stat are written; nothing without the file."""
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    return {name: float(value) for name, value, *_ in map(str.split, lines)}
