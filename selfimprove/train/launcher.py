"""How the processes of a training are started: a small protocol, and the one launcher there is, for one machine.

    OneMachine().command(out, config)        # the words that start every rank; they end with whoever started them

Another launcher (a hostfile, a cluster's scheduler) is another class with these two methods.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
from pathlib import Path
from typing import Protocol

import selfimprove
from selfimprove.config.model import Train
from selfimprove.machine import has_nvidia

TUNABLES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"


class Launcher(Protocol):
    def command(self, out: Path, config: Train) -> list[str]:
        """Starts `config.processes` times `selfimprove.train.worker OUT`, and ends with an error when one of them does."""
        ...

    def environment(self, config: Train) -> dict[str, str]:
        """What the ranks find in their environment beside what is there."""
        ...


class OneMachine:
    """DeepSpeed's launcher by module and not by PATH, with a free port every time (DeepSpeed 3878)."""

    def command(self, out: Path, config: Train) -> list[str]:
        world = base64.urlsafe_b64encode(json.dumps({"localhost": _cards(config.processes)}).encode()).decode()
        return [
            sys.executable, "-m", "selfimprove.train.watch", f"--world_info={world}", "--master_addr=127.0.0.1",
            f"--master_port={_free_port()}", "--no_local_rank", "--module", "selfimprove.train.worker", str(out.resolve()),
        ]  # fmt: skip

    def environment(self, config: Train) -> dict[str, str]:
        root = str(Path(selfimprove.__file__).resolve().parent.parent)
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        threads = str(cores(config))
        found = {
            "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false",
            "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive",
            "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            # Tensors come from a heap that keeps its memory: handing each activation back to the kernel and having it
            # zeroed again costs 5 % of the processor time of a step.
            "MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**28),
            # What is freed becomes one piece with the holes beside it at once. Small pieces that wait for their like keep
            # holes apart, and the tensors of a longer pass fit none of them: a tenth of a gigabyte for 135M weights.
            "GLIBC_TUNABLES": ":".join(filter(None, [TUNABLES, os.environ.get("GLIBC_TUNABLES")])),
            # One machine: the loopback interface is there without a network and whatever the host is called.
            "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"),
        }  # fmt: skip
        return found if has_nvidia() else {**found, "DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""}


def cores(config: Train) -> int:
    """Of each process."""
    return max(1, len(os.sched_getaffinity(0)) // config.processes)


def _cards(processes: int) -> list[int]:
    """The first of the cards that CUDA_VISIBLE_DEVICES allows: the launcher sets it anew from these numbers."""
    named = [card.strip() for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    allowed = [int(card) for card in named if card.isdigit()]
    return (allowed if len(allowed) >= processes else list(range(processes)))[:processes]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
