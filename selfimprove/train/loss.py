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

from selfimprove.errors import TrainError


def collate(rows: Sequence[dict[str, Any]], device: str | torch.device) -> dict[str, Tensor]:
    """Rows -> `input_ids` (rows, tokens), `positions` (supervised,) into the flattened ids, `labels` (supervised,).

    Padding stands on the right, where a causal model never looks back at it: no attention mask is needed, and without
    one attention takes its fastest path. The last token of a row predicts nothing and is left out.
    """
    width = max(row["length"] for row in rows) - 1
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    positions, labels = [], []
    for number, row in enumerate(rows):
        tokens, edges = torch.tensor(row["input_ids"]), row["spans"]
        ids[number, : len(tokens) - 1] = tokens[:-1]
        # The token at i is predicted by the hidden state at i - 1.
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            positions.append(torch.arange(start - 1, end - 1) + number * width)
            labels.append(tokens[start:end])
    found = {"input_ids": ids, "positions": torch.cat(positions), "labels": torch.cat(labels)}
    return {name: tensor.to(device) for name, tensor in found.items()}


class Supervised(nn.Module):
    """A causal language model whose output is the loss of each supervised token."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        head = model.get_output_embeddings()  # type: ignore[operator]
        if head is None:
            raise TrainError("the model has no output layer: train a causal language model")
        self._positions: Tensor | None = None
        head.register_forward_pre_hook(self._keep_supervised)

    def _keep_supervised(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._positions is None:
            return inputs
        hidden = inputs[0]
        return (hidden.reshape(1, -1, hidden.shape[-1]).index_select(1, self._positions), *inputs[1:])

    def logits(self, input_ids: Tensor, positions: Tensor) -> Tensor:
        """(supervised, vocabulary), in float32."""
        self._positions = positions
        try:
            return self.model(input_ids=input_ids, use_cache=False).logits[0].float()
        finally:
            self._positions = None

    def forward(self, input_ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(self.logits(input_ids, positions), labels, reduction="none")
