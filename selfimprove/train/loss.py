"""The loss of supervised tokens, with logits for their positions only. Runs in the worker.

    losses = Supervised(model)(**collate(rows, device))      # one loss (nats) a supervised token, in row order

Of some 200 tokens of a row, 30 are supervised: logits over 49,152 words for the others are a fifth of the work and most
of the memory. A hook in front of the model's output layer keeps the supervised positions, so the model's own forward
runs whatever its family does around that layer (scaling, soft caps, LoRA, gathered ZeRO-3 weights).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from selfimprove.errors import TrainError
from selfimprove.train.packing import common

CHUNK = 1024
"""Supervised positions whose logits are held at once: 0.2 GB of float32 over 49,152 words, and as much for the gradient."""


def collate(
    rows: Sequence[dict[str, Any]], device: str | torch.device, *, packed: bool = False, shared: bool = False
) -> dict[str, Tensor]:
    """Rows -> `input_ids` (rows, tokens), `positions` (supervised,) into the flattened ids, `labels` (supervised,).

    Padding stands on the right, where a causal model never looks back at it: no attention mask is needed, and without
    one attention takes its fastest path. The last token of a row predicts nothing and is left out. `packed`: the rows
    stand end to end in one sequence, and `position_ids` (1, tokens), which begin anew with each, keep them apart.
    `shared`: what a row begins with like the one before it stands there once, and its positions begin after that.
    """
    width = max(row["length"] for row in rows) - 1
    positions, labels, own, numbers = [], [], [], []
    path, taken = torch.empty(0, dtype=torch.long), 0
    before: list[int] = []
    for number, row in enumerate(rows):
        tokens, edges = torch.tensor(row["input_ids"]), row["spans"]
        first = common(before, row["input_ids"]) if shared and number else 0
        begin, length = taken if packed else number * width, len(tokens) - 1 - first
        # Where the tokens of this row stand: those that it shares, then its own.
        path = torch.cat([path[:first], torch.arange(begin, begin + length)])
        # The token at i is predicted by the hidden state at i - 1.
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            positions.append(path[start - 1 : end - 1])
            labels.append(tokens[start:end])
        own.append(tokens[first:-1])
        numbers.append(torch.arange(first, first + length))
        before, taken = row["input_ids"], taken + length
    found = {"positions": torch.cat(positions), "labels": torch.cat(labels)}
    if packed:
        found |= {"input_ids": torch.cat(own)[None], "position_ids": torch.cat(numbers)[None]}
    else:
        found["input_ids"] = nn.utils.rnn.pad_sequence(own, batch_first=True)
    return {name: tensor.to(device) for name, tensor in found.items()}


class Supervised(nn.Module):
    """A causal language model whose output is the loss of each supervised token.

    `chunk`: logits of so many positions at most are made at a time, and their memory is used again; 0: of all at once. Only
    for models whose output layer is the last thing they do (`probes.logits_are_plain`). `selective` is switched off by the
    benchmark alone: logits of all positions are then made, and most of them thrown away.
    """

    def __init__(self, model: nn.Module, *, selective: bool = True) -> None:
        super().__init__()
        self.model = model
        self.chunk = 0
        self.selective = selective
        head = model.get_output_embeddings()  # type: ignore[operator]
        if head is None:
            raise TrainError("the model has no output layer: train a causal language model")
        self._positions: Tensor | None = None
        self._hidden: Tensor | None = None
        self._taken = False
        head.register_forward_pre_hook(self._keep_supervised)

    def _keep_supervised(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._positions is None:
            return inputs
        hidden = inputs[0]
        kept = hidden.reshape(1, -1, hidden.shape[-1]).index_select(1, self._positions)
        if self._taken:
            # The output layer comes later, in chunks; here it sees one position, so that the model's forward can end.
            self._hidden, kept = kept, kept[:, :1]
        return (kept, *inputs[1:])

    def logits(self, input_ids: Tensor, positions: Tensor, position_ids: Tensor | None = None) -> Tensor:
        """(supervised, vocabulary), in float32."""
        more = {} if position_ids is None else {"position_ids": position_ids}
        if not self.selective:
            logits = self.model(input_ids=input_ids, use_cache=False, **more).logits
            return logits.reshape(-1, logits.shape[-1]).index_select(0, positions).float()
        self._positions = positions
        try:
            return self.model(input_ids=input_ids, use_cache=False, **more).logits[0].float()
        finally:
            self._positions = None

    def hidden(self, input_ids: Tensor, positions: Tensor, position_ids: Tensor | None = None) -> Tensor:
        """(supervised, width): what goes into the output layer."""
        self._taken = True
        try:
            self.logits(input_ids, positions, position_ids)
            assert self._hidden is not None
            return self._hidden[0]
        finally:
            self._taken, self._hidden = False, None

    def forward(self, input_ids: Tensor, positions: Tensor, labels: Tensor, position_ids: Tensor | None = None) -> Tensor:
        if not self.chunk:
            return nn.functional.cross_entropy(self.logits(input_ids, positions, position_ids), labels, reduction="none")
        if len(positions) <= self.chunk:
            return _losses(self.logits(input_ids, positions, position_ids), labels)
        hidden = self.hidden(input_ids, positions, position_ids)
        parts = zip(hidden.split(self.chunk), labels.split(self.chunk), strict=True)
        return torch.cat([checkpoint(self._chunk, *part, use_reentrant=False) for part in parts])

    def _chunk(self, hidden: Tensor, labels: Tensor) -> Tensor:
        return _losses(self.model.get_output_embeddings()(hidden[None])[0].float(), labels)  # type: ignore[operator]


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """(positions, vocabulary), (positions,) -> (positions,), in nats. The logits are written over: nobody else may need them."""
    return _CrossEntropy.apply(logits, labels)  # type: ignore[no-any-return]


class _CrossEntropy(torch.autograd.Function):
    """As torch's, in the memory of the logits, which become probabilities and then gradients: one copy, where torch holds three
    of what is often the largest tensor of a pass. A backward pass can be made once."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        logits.sub_(logits.amax(-1, keepdim=True))
        wanted = logits.gather(1, labels[:, None])[:, 0]
        total = logits.exp_().sum(-1)
        ctx.save_for_backward(logits, total, labels)
        return total.log() - wanted

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        found, total, labels = ctx.saved_tensors
        found.mul_((gradient / total)[:, None])
        return found.scatter_add_(1, labels[:, None], -gradient[:, None]), None
