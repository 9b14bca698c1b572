"""Where a training process stands among the others, and how it joins them. Runs in the worker.

    rank = join(spec)
    rank.index, rank.count, rank.device
"""

from __future__ import annotations

import json
import os
import resource
from dataclasses import dataclass

import torch

from selfimprove.errors import TrainError
from selfimprove.train.spec import Spec


@dataclass(frozen=True)
class Rank:
    """`device` is what tensors are moved to."""

    index: int
    count: int
    device: str
    bf16: bool


def join(spec: Spec) -> Rank:
    """Starts the process group. Raises TrainError when other processes were started than the spec says."""
    import deepspeed
    from deepspeed.accelerator import get_accelerator

    # DeepSpeed compiles an operator for reductions in shared memory at start. It only speeds up inference, and needs a
    # compiler: with no operator listed as compatible, gloo does it all, and the search for compilers is skipped too.
    deepspeed.ops.__compatible_ops__ = {}
    accelerator = get_accelerator()
    on_gpu = accelerator.device_name() == "cuda"
    local = int(os.environ.get("LOCAL_RANK", "0"))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if on_gpu:
        accelerator.set_device(local)
    deepspeed.init_distributed(dist_backend="nccl" if on_gpu else "gloo", verbose=False)
    wanted = spec.config.dtype
    bf16 = wanted == "bfloat16" or (wanted == "auto" and on_gpu and accelerator.is_bf16_supported())
    index, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
    if count != spec.config.processes:
        raise TrainError(f"{count} processes were started, not train.processes={spec.config.processes}: start it again")
    return Rank(index, count, f"cuda:{local}" if on_gpu else "cpu", bf16)


def tell(rank: Rank, text: str) -> None:
    """A sentence for the user, shown by the process that started the training. The first rank speaks for all."""
    if rank.index == 0:
        print(json.dumps({"note": text}), flush=True)


def peak_gb(device: str) -> float:
    """The most memory that this process has held so far, in GB: on the GPU where it trains on one, else resident memory."""
    if device.startswith("cuda"):
        return round(float(torch.cuda.max_memory_allocated(device)) / 1e9, 3)
    # Linux counts in KiB.
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3)
