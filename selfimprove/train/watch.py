"""The head of the trainer's process group: DeepSpeed's launcher, made to end with whoever started it.

    python -m selfimprove.train.watch --world_info=... --master_port=... --module selfimprove.train.worker OUT

The launcher by itself does not notice that its parent is gone: after a kill -9 it trains on. Run is its part for one
machine (`deepspeed.launcher.launch`), which `deepspeed` itself would start with the same arguments: without a hostfile
to look for there is nothing else to do, and loading the library once more would cost seconds.
"""

from __future__ import annotations

import sys

from selfimprove.child import end_with_parent

UNUSED = ("mlflow", "sklearn", "scipy")
"""Loaded by DeepSpeed's autotuner and by transformers' assisted generation wherever they are installed: a third of the
time that a training takes to start, for nothing that it uses. Both libraries do without."""


def skip_unused() -> None:
    """Makes importing them fail as if they were not installed. Call before importing deepspeed or transformers."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def main() -> None:
    end_with_parent()
    skip_unused()
    from deepspeed.launcher import launch

    # Takes over SIGTERM; the ranks inherit standard input and watch it too, should this process be killed first.
    launch.main()


if __name__ == "__main__":
    main()
