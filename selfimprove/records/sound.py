"""Which JSON values can be kept, compared and written again. A model writes anything, and one bad value must stay one bad row.

    is_sound({"x": float("nan")}) is False

Python's `json` reads more than JSON carries: NaN and infinities (no canonical text), numbers beyond any float, lone surrogates
(no UTF-8), and nesting that no later step can walk. Such a value is refused where it is read.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

MAX_DEPTH = 64
MAX_INTEGER = 10**300
"""Beyond about 1.8e308 an integer is no float, and comparing it with one raises OverflowError."""


def is_sound(value: Any) -> bool:
    """Walks level by level, without recursion: depth must not be able to end the process."""
    level = [value]
    for _ in range(MAX_DEPTH):
        if not all(_leaf_is_sound(item) for item in level):
            return False
        level = [inner for item in level for inner in _inside(item)]
        if not level:
            return True
    return False


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    return item if isinstance(item, list) else []


def _leaf_is_sound(item: Any) -> bool:
    if isinstance(item, float):
        return isfinite(item)
    if isinstance(item, int):
        return abs(item) < MAX_INTEGER
    # isascii first: nearly all text is, and it costs nothing.
    return not isinstance(item, str) or item.isascii() or not any("\ud800" <= c <= "\udfff" for c in item)
