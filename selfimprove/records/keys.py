"""Identity: canonical JSON text, content digests, and seeds derived from them (never from order).

    digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

# `json.dumps` with these settings would make this encoder anew for each value.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys and no spaces; NaN and infinities are refused (ValueError)."""
    return _encode(value)


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the value's canonical JSON."""
    text = canonical_json(value).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


def derive_seed(*parts: Any) -> int:
    """A seed in [0, 2^31) from what is being drawn, so that adding or reordering work changes no other draw."""
    return int(digest([str(part) for part in parts]), 16) % 2**31
