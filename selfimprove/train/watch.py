"""The head of the trainer's process group: DeepSpeed's launcher, made to end with whoever started it.

    python -m selfimprove.train.watch --world_info=... --master_port=... --module selfimprove.train.worker OUT

The launcher by itself does not notice that its parent is gone: after a kill -9 it trains on. Run is its part for one
machine (`deepspeed.launcher.launch`), which `deepspeed` itself would start with the same arguments: without a hostfile
to look for there is nothing else to do, and loading the library once more would cost seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, ClassVar

from selfimprove.child import end_with_parent

UNUSED = ("mlflow", "sklearn", "scipy")
"""Loaded by DeepSpeed's autotuner and by transformers' assisted generation wherever they are installed: a third of the
time that a training takes to start, for nothing that it uses. Both libraries do without."""


def skip_unused() -> None:
    """Makes importing them fail as if they were not installed. Call before importing deepspeed or transformers."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


class Rank(subprocess.Popen):
    """A rank, started by the launcher in the order of their numbers. The launcher tells the code of one process that failed and
    not whose it is, and that may be one that only lost another: here all are told that failed by themselves."""

    started: ClassVar[list[Rank]] = []

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        Rank.started.append(self)

    def poll(self) -> int | None:
        code = super().poll()
        if code and Rank.started:
            codes = {number: super(Rank, rank).poll() for number, rank in enumerate(Rank.started)}
            # Once: the launcher ends the others now.
            Rank.started = []
            print(json.dumps({"failed": {number: found for number, found in codes.items() if found}}), flush=True)
        return code


def main() -> None:
    end_with_parent()
    skip_unused()
    from deepspeed.launcher import launch

    # From here on this process starts nothing but the ranks.
    launch.subprocess.Popen = Rank
    # Takes over SIGTERM; the ranks inherit standard input and watch it too, should this process be killed first.
    launch.main()


if __name__ == "__main__":
    main()
