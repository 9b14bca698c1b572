"""Attention that looks at each row of a packed sequence by itself: rows stay apart, and no pair of two rows is ever computed.

    if keep_rows_apart(model): ...        # from now on `position_ids` part the rows

A row begins where the positions do not go on. One that begins at position p > 0 shares the p first tokens of the row before
it, which stand in the sequence once (`loss.collate`). With a mask instead, attention works on all pairs of a sequence and
then drops those of two rows: on a CPU that costs more than the padding that packing saves. Padded passes run as before, by
torch's own attention.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

NAME = "sdpa_by_row"
USUAL = "sdpa"
"""What the model is loaded with."""


def keep_rows_apart(model: Any) -> bool:
    """False, and nothing is changed, where a layer attends otherwise than to all earlier tokens (a sliding window: its mask
    would be lost), or where the model does not let its attention be chosen."""
    from transformers import AttentionInterface

    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    if layers != {"full_attention"} or getattr(config, "sliding_window", None) or not model._supports_attention_backend:
        return False
    AttentionInterface.register(NAME, ByRow())
    model.set_attn_implementation(NAME)
    return bool(config._attn_implementation == NAME)


class _Row(NamedTuple):
    """`own`: its own tokens, which stand together; `path`: where all that it attends to stand, the shared ones first; `mask`
    (1, 1, own, all): those up to each. None for a row that shares nothing."""

    own: int
    path: Tensor | None
    mask: Tensor | None


class ByRow:
    """An attention function of transformers: query (1, heads, tokens, width) -> (1, tokens, heads, width)."""

    def __init__(self) -> None:
        self._ids: Tensor | None = None
        self._rows: list[_Row] = []

    def __call__(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        position_ids: Tensor | None = None, **more: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        from transformers.integrations.sdpa_attention import sdpa_attention_forward as attend

        if position_ids is not None and position_ids is not self._ids:
            # Once for all layers: on a GPU reading waits.
            self._ids, self._rows = position_ids, _rows(position_ids)
        if position_ids is None or len(self._rows) < 2:
            return attend(module, query, key, value, attention_mask, **more)  # type: ignore[no-any-return]
        lengths = [row.own for row in self._rows]
        found = []
        for row, q, k, v in zip(self._rows, query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True):
            if row.path is not None:
                k, v = key.index_select(2, row.path), value.index_select(2, row.path)
            found.append(attend(module, q, k, v, row.mask, **more)[0])
        return torch.cat(found, dim=1), None


def _rows(ids: Tensor) -> list[_Row]:
    """Out of the positions (1, tokens) of a sequence."""
    begins = [0, *((ids[0, 1:] != ids[0, :-1] + 1).nonzero().flatten() + 1).tolist()]
    path, rows = ids.new_empty(0), []
    for (begin, end), shared in zip(pairwise([*begins, ids.shape[1]]), ids[0, begins].tolist(), strict=True):
        path = torch.cat([path[:shared], torch.arange(begin, end, device=ids.device)])
        earlier = torch.ones(end - begin, len(path), dtype=torch.bool, device=ids.device).tril(shared)
        rows.append(_Row(end - begin, path, earlier[None, None]) if shared else _Row(end - begin, None, None))
    return rows
