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


class _Rows(NamedTuple):
    """How many tokens of its own each row has, how many it attends to, where those stand (None where no row shares any: each
    attends to its own), and for each row that shares some, which are up to each (1, 1, own, attended)."""

    own: list[int]
    attended: list[int]
    paths: Tensor | None
    masks: list[Tensor | None]


class ByRow:
    """An attention function of transformers: query (1, heads, tokens, width) -> (1, tokens, heads, width)."""

    def __init__(self) -> None:
        self._ids: Tensor | None = None
        self._rows = _Rows([], [], None, [])

    def __call__(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        position_ids: Tensor | None = None, **more: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        from transformers.integrations.sdpa_attention import sdpa_attention_forward as attend

        if position_ids is not None and position_ids is not self._ids:
            # Once for all layers: on a GPU reading waits.
            self._ids, self._rows = position_ids, _rows(position_ids)
        own, attended, paths, masks = self._rows
        if position_ids is None or len(own) < 2:
            return attend(module, query, key, value, attention_mask, **more)  # type: ignore[no-any-return]
        if paths is not None:
            key, value = key.index_select(2, paths), value.index_select(2, paths)
        rows = zip(query.split(own, 2), key.split(attended, 2), value.split(attended, 2), masks, strict=True)
        return torch.cat([attend(module, q, k, v, mask, **more)[0] for q, k, v, mask in rows], dim=1), None


def _rows(ids: Tensor) -> _Rows:
    """Out of the positions (1, tokens) of a sequence."""
    begins = [0, *((ids[0, 1:] != ids[0, :-1] + 1).nonzero().flatten() + 1).tolist()]
    own, paths, masks = [], [], list[Tensor | None]()
    path = ids.new_empty(0)
    for (begin, end), shared in zip(pairwise([*begins, ids.shape[1]]), ids[0, begins].tolist(), strict=True):
        path = torch.cat([path[:shared], torch.arange(begin, end, device=ids.device)])
        earlier = torch.ones(end - begin, len(path), dtype=torch.bool, device=ids.device).tril(shared)[None, None]
        own.append(end - begin)
        paths.append(path)
        masks.append(earlier if shared else None)
    return _Rows(own, [len(path) for path in paths], torch.cat(paths) if any(ids[0, begins]) else None, masks)
