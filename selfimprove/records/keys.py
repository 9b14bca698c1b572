"""Identity: canonical JSON text, content digests, and seeds derived from them (never from order).

    digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

_chunks: Callable[[Any, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, json.JSONEncoder().default, json.encoder.encode_basestring, None, ":", ",", True, False, False
)
"""What `json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)` makes anew for each value."""


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys and no spaces; NaN and infinities are refused (ValueError)."""
    return "".join(_chunks(value, 0))


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the value's canonical JSON."""
    text = canonical_json(value).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def derive_seed(*parts: Any) -> int:
    """A seed in [0, 2^31) from what is being drawn, so that adding or reordering work changes no other draw."""
    return int(digest([str(part) for part in parts]), 16) % 2**31
