"""What is tried with the loaded model before its first step, since only trying tells. Runs in the worker, on every rank.

    how, found = may_pack(engine.module, rows, rank, masked=False)      # rows stay apart in one sequence
    if logits_are_plain(engine.module, rows, rank): ...                 # the output layer is the last thing the model does

Elsewhere packed samples saw each other for months (trl 3067): whether they do depends on the model and on the attention
in use, so both are asked. A model that fails is trained all the same, in padded passes and with all logits at once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from selfimprove.train.attention import USUAL, keep_rows_apart
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.packing import common
from selfimprove.train.rank import Rank

TOLERANCE = {False: 1e-4, True: 2e-2}
"""Mean difference of a token's loss, packed and alone, in nats: rounding in float32, and (True) in bfloat16."""
SAMPLES = 3
BY_ROW, MASKED = "by row", "by a mask"


def may_pack(module: Supervised, rows: list[dict[str, Any]], rank: Rank, *, masked: bool) -> tuple[str, str]:
    """(how packed rows are kept apart: "by row", "by a mask" or "" where they are not, what was found).

    The model's attention is left as it has to be for that. `masked`: a mask will do, where attention by row does not.
    """
    few = _alike(rows)
    if len(few) < 2:
        return "", "there is one row only"
    alone = torch.cat([_losses(module, collate([row], rank.device)) for row in few])
    packed, found = collate(few, rank.device, packed=True), "its attention cannot be split by row"
    if keep_rows_apart(module.model):
        safe, found = _as_alone(module, collate(few, rank.device, packed=True, shared=True), alone, rank)
        if safe:
            return BY_ROW, found
        module.model.set_attn_implementation(USUAL)  # type: ignore[operator]
    if masked:
        safe, found = _as_alone(module, packed, alone, rank)
        if safe:
            return MASKED, found
    return "", found


def _as_alone(module: Supervised, packed: dict[str, Tensor], alone: Tensor, rank: Rank) -> tuple[bool, str]:
    try:
        together = _losses(module, packed)
    except Exception as error:  # whatever a model does with position ids that it does not know
        return False, f"the model cannot be run with them ({(str(error).splitlines() or [type(error).__name__])[0]})"
    apart = (alone - together).abs().mean()
    torch.distributed.all_reduce(apart, op=torch.distributed.ReduceOp.MAX)
    return bool(apart <= TOLERANCE[rank.bf16]), f"losses differ by {float(apart):.1e} nats a token from those of the rows alone"


def logits_are_plain(module: Supervised, rows: list[dict[str, Any]], rank: Rank) -> bool:
    """Whether the model's logits are what its output layer gives: not where they are scaled or capped afterwards."""
    probe = collate(_shortest(rows)[:1], rank.device)
    probe.pop("labels")
    with torch.no_grad():
        model, hidden = module.logits(**probe), module.hidden(**probe)
        head = module.model.get_output_embeddings()(hidden[None])[0].float()  # type: ignore[operator]
    apart = (model - head).abs().max()
    torch.distributed.all_reduce(apart, op=torch.distributed.ReduceOp.MAX)
    return bool(apart <= TOLERANCE[rank.bf16])


def _shortest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["length"], row["id"]))[:SAMPLES]


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The shortest rows and the two that share the longest beginning, in the order of their tokens, as rows are packed."""
    ordered = sorted(rows, key=lambda row: row["input_ids"])
    two = max(pairwise(ordered), key=lambda pair: common(pair[0]["input_ids"], pair[1]["input_ids"]), default=())
    few = {row["id"]: row for row in (*_shortest(rows), *two)}
    return sorted(few.values(), key=lambda row: row["input_ids"])


def _losses(module: Supervised, batch: dict[str, Tensor]) -> Tensor:
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            return module(**batch)  # type: ignore[no-any-return]
    finally:
        module.train(training)
