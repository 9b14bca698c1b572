"""Attention that looks at each row of a packed sequence by itself: rows stay apart, and no pair of two rows is ever computed.

    if keep_rows_apart(model): ...        # from now on `position_ids` that begin anew part the rows

With a mask instead, attention works on all pairs of a sequence and then drops those of two rows: on a CPU that costs more
than the padding that packing saves. Padded passes run as before, by torch's own attention.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, cat

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


class ByRow:
    """An attention function of transformers: query (1, heads, tokens, width) -> (1, tokens, heads, width)."""

    def __init__(self) -> None:
        self._ids: Tensor | None = None
        self._lengths: list[int] = []

    def __call__(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
        position_ids: Tensor | None = None, **more: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        from transformers.integrations.sdpa_attention import sdpa_attention_forward as attend

        lengths = self._lengths_of(position_ids)
        if len(lengths) < 2:
            return attend(module, query, key, value, attention_mask, **more)  # type: ignore[no-any-return]
        rows = zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True)
        return cat([attend(module, *row, None, **more)[0] for row in rows], dim=1), None

    def _lengths_of(self, ids: Tensor | None) -> list[int]:
        """Tokens of each row, read from where the positions begin anew; once for all layers, since on a GPU reading waits."""
        if ids is None:
            return []
        if ids is not self._ids:
            starts = [*(ids[0] == 0).nonzero().flatten().tolist(), ids.shape[1]]
            self._ids, self._lengths = ids, [end - start for start, end in pairwise(starts)]
        return self._lengths
