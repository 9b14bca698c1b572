"""The program of one rank: reads the spec, trains with a DeepSpeed engine, and exports. Started by the launcher only.

    python -m deepspeed.launcher.launch ... --module selfimprove.train.worker OUT

The loss of a step is the sum over its supervised tokens divided by their number over all ranks and forward passes: not
a mean of means (transformers 34191). DeepSpeed divides by the number of passes and averages over the ranks, so
each pass is scaled by both: 1 x 8, 8 x 1 and 2 ranks x 4 rows make the same update.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from selfimprove.chat.doctor import examine
from selfimprove.chat.render import load_tokenizer
from selfimprove.child import end_with_parent
from selfimprove.errors import SelfImproveError, TrainError
from selfimprove.train import deepspeed_config as settings
from selfimprove.train.export import export
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.model import load_model
from selfimprove.train.progress import Steps
from selfimprove.train.rows import load_rows, tokenise
from selfimprove.train.schedule import batches, learning_rate, micro_batches
from selfimprove.train.spec import ERROR, Spec
from selfimprove.train.watch import skip_unused


@dataclass(frozen=True)
class Rank:
    """Where this process stands. `device` is what tensors are moved to."""

    index: int
    count: int
    device: str
    bf16: bool


def main() -> int:
    end_with_parent()
    skip_unused()
    # The launcher ends the other ranks with SIGTERM when one died: those shall just end, so that it can report.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    out = Path(sys.argv[1])
    try:
        run(out)
    except Exception as error:
        traceback.print_exc()
        said = str(error) if isinstance(error, SelfImproveError) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(OSError):
            (out / ERROR).write_text(said.strip() + "\n", encoding="utf-8")
        return 1
    return 0


def run(out: Path) -> None:
    spec = Spec.read(out)
    rank = _join(spec)
    tokenizer = load_tokenizer(Path(spec.model))
    if rank.index == 0:
        examine(tokenizer)
        tokenise(tokenizer, Path(spec.rows), out, spec.max_tokens)
    torch.distributed.barrier()
    rows = load_rows(out)
    torch.manual_seed(spec.seed)
    model = load_model(Path(spec.model), spec.config)
    engine = _engine(Supervised(model), spec, rank)
    steps = Steps(out, rank.index)
    _train(engine, rows, spec, rank, steps)
    export(engine, rows, spec, out, tokenizer, steps.counts, rank_index=rank.index, device=rank.device)
    torch.distributed.destroy_process_group()


def _join(spec: Spec) -> Rank:
    """Starts the process group. Raises TrainError when a GPU is asked for what it cannot do."""
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


def _engine(model: Supervised, spec: Spec, rank: Rank) -> Any:
    import deepspeed

    config = settings.deepspeed_config(spec.config, learning_rate=spec.learning_rate, bf16=rank.bf16)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    engine, *_ = deepspeed.initialize(model=model, model_parameters=trained, config=config, dist_init_required=False)
    engine.train()
    return engine


def _train(engine: Any, rows: list[dict[str, Any]], spec: Spec, rank: Rank, told: Steps) -> None:
    config = spec.config
    lengths = [row["length"] for row in rows]
    plan = batches([row["id"] for row in rows], batch=config.batch, epochs=config.epochs, seed=spec.seed)
    told.begin(rows, plan)
    for number, batch in enumerate(plan):
        began = time.monotonic()
        rate = learning_rate(number, steps=len(plan), warmup=config.warmup, peak=spec.learning_rate)
        for group in engine.optimizer.param_groups:
            group["lr"] = rate
        turns = micro_batches(batch, lengths, turns=settings.accumulation(config), processes=rank.count)[rank.index]
        sums, norm = _step(engine, [[rows[i] for i in turn] for turn in turns], [rows[i] for i in batch], spec, rank)
        told.add([rows[i] for i in batch], sums, rate, norm, time.monotonic() - began)


def _step(
    engine: Any, turns: list[list[dict[str, Any]]], batch: list[dict[str, Any]], spec: Spec, rank: Rank
) -> tuple[dict[str, float], float]:
    """One update. Returns the summed loss (nats) of each subtask over all ranks, and the gradient's norm."""
    supervised = sum(row["supervised"] for row in batch)
    scale = settings.accumulation(spec.config) * rank.count / supervised
    subtasks = sorted({row["subtask"] for row in batch})
    sums = torch.zeros(len(subtasks), device=rank.device)
    norm: float | None = None
    for number, turn in enumerate(turns):
        # A rank for which no row is left joins in with one that weighs nothing: all ranks must take every turn.
        losses = engine(**collate(turn or batch[:1], rank.device))
        engine.backward(losses.sum() * (scale if turn else 0.0))
        if turn:
            sums += _by_subtask(losses.detach(), turn, subtasks)
        if number == len(turns) - 1 and settings.clips_itself(spec.config, bf16=rank.bf16):
            norm = float(torch.nn.utils.clip_grad_norm_(engine.module.parameters(), spec.config.max_grad_norm))
        engine.step()
    torch.distributed.all_reduce(sums)
    if norm is None:
        norm = float(engine.get_global_grad_norm())
    return dict(zip(subtasks, sums.tolist(), strict=True)), norm


def _by_subtask(losses: Tensor, rows: list[dict[str, Any]], subtasks: list[str]) -> Tensor:
    counts = [row["supervised"] for row in rows]
    owner = torch.tensor([subtasks.index(row["subtask"]) for row in rows], device=losses.device)
    owner = owner.repeat_interleave(torch.tensor(counts, device=losses.device))
    return torch.zeros(len(subtasks), device=losses.device).index_add(0, owner, losses)


if __name__ == "__main__":
    sys.exit(main())
