"""One optimizer step: the forward passes of a rank, their gradients, the update. Runs in the worker, on every rank.

    done = update(engine, turns, batch, spec, rank)      # turns: this rank's share of the batch, a list for each pass

The loss of a step is the sum over its supervised tokens divided by their number over all ranks and forward passes: not
a mean of means (transformers 34191). DeepSpeed averages over the ranks, so each pass is scaled by their number:
1 x 8, 8 x 1 and 2 ranks x 4 rows make the same update. With `train.subtask_weights` both the sum and the number are
weighted; the losses that are told never are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from selfimprove.train import deepspeed_config as settings
from selfimprove.train.loss import collate
from selfimprove.train.rank import Rank
from selfimprove.train.rows import supervised
from selfimprove.train.spec import Spec

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Update:
    """`sums`: summed loss (nats) of each subtask over all ranks. `norm`: of the gradient over all ranks, before clipping."""

    sums: dict[str, float]
    norm: float


def update(
    engine: Any, turns: list[Rows], batch: Rows, spec: Spec, rank: Rank, *, packed: bool = False, shared: bool = False
) -> Update:
    """`turns` are this rank's rows by forward pass, `batch` the rows of all ranks; `packed`, `shared`: see `collate`."""
    weights: dict[str, float] = {str(name): weight for name, weight in spec.config.subtask_weights.items()}
    scale = rank.count / sum(supervised(row) * weights.get(row["subtask"], 1.0) for row in batch)
    subtasks = sorted({row["subtask"] for row in batch})
    sums = torch.zeros(len(subtasks), device=rank.device)
    for number, turn in enumerate(turns):
        engine.set_gradient_accumulation_boundary(number == len(turns) - 1)
        # A rank for which no row is left joins in with one that weighs nothing: all ranks must take every turn.
        losses = engine(**collate(turn or batch[:1], rank.device, packed=packed, shared=shared))
        weighted = losses * _weights(turn, weights, losses) if weights and turn else losses
        engine.backward(weighted.sum() * (scale if turn else 0.0), scale_wrt_gas=False)
        if turn:
            sums += _by_subtask(losses.detach(), turn, subtasks)
        # What autograd noted of this pass lies between the holes that its tensors left: gone before the next pass fills them.
        del losses, weighted
    norm = _clip(engine, spec, rank)
    engine.step()
    torch.distributed.all_reduce(sums)
    if norm is None:
        norm = float(engine.get_global_grad_norm())
    return Update(dict(zip(subtasks, sums.tolist(), strict=True)), norm)


def _clip(engine: Any, spec: Spec, rank: Rank) -> float | None:
    """The norm, where the worker clips; None where DeepSpeed does in its own step."""
    if not settings.clips_itself(spec.config, bf16=rank.bf16):
        return None
    return float(torch.nn.utils.clip_grad_norm_(engine.module.parameters(), spec.config.max_grad_norm))


def _weights(rows: Rows, weights: dict[str, float], like: Tensor) -> Tensor:
    """The weight of each supervised token, in the order of the losses."""
    each = torch.tensor([weights.get(row["subtask"], 1.0) for row in rows], device=like.device, dtype=like.dtype)
    return each.repeat_interleave(_counts(rows, like.device))


def _by_subtask(losses: Tensor, rows: Rows, subtasks: list[str]) -> Tensor:
    owner = torch.tensor([subtasks.index(row["subtask"]) for row in rows], device=losses.device)
    owner = owner.repeat_interleave(_counts(rows, losses.device))
    return torch.zeros(len(subtasks), device=losses.device).index_add(0, owner, losses)


def _counts(rows: Rows, device: torch.device) -> Tensor:
    return torch.tensor([supervised(row) for row in rows], device=device)
