"""The command line as a user starts it: in a process group of its own, so that it can be killed as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def command(folder: Path, model: Path, *more: str, word: str = "run") -> list[str]:
    """`word` is what `selfimprove` is asked for: run or control."""
    return [
        sys.executable, "-m", "flows.cli", word, "configs/smoke.yaml", f"model={model}", f"run.folder={folder}", *more,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Without settings of the calling shell that would change where Prefect and MLflow write."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_"))}


def run(folder: Path, model: Path, *more: str, word: str = "run", seconds: float = 400) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, model, *more, word=word), cwd=ROOT, env=environment(), text=True, capture_output=True, timeout=seconds
    )


def start(folder: Path, model: Path, *more: str, word: str = "run") -> subprocess.Popen[bytes]:
    log = (folder.parent / f"{folder.name}.log").open("ab")
    return subprocess.Popen(
        command(folder, model, *more, word=word), cwd=ROOT, env=environment(), stdout=log, stderr=log, start_new_session=True
    )


def kill_group(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    os.killpg(process.pid, number)
    process.wait(60)


def left_running(folder: Path) -> list[str]:
    """Command lines of processes, other than this one, that name the folder or have it in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words and int(entry.name) != os.getpid():
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
    return found


def wait_until_gone(folder: Path, seconds: float = 20) -> list[str]:
    deadline = time.monotonic() + seconds
    while (found := left_running(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
