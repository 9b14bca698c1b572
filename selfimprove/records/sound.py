"""Which JSON values can be kept, compared and written again. A model writes anything, and one bad value must stay one bad row.

    is_sound({"x": float("nan")}) is False

Python's `json` reads more than JSON carries: NaN and infinities (no canonical text), numbers beyond any float, lone surrogates
(no UTF-8), and nesting that no later step can walk. Such a value is refused where it is read.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

MAX_DEPTH = 64
MAX_INTEGER = 10**300
"""Beyond about 1.8e308 an integer is no float, and comparing it with one raises OverflowError."""


_SURROGATE = re.compile("[\ud800-\udfff]")


def is_sound(value: Any) -> bool:
    """For values as `json` makes them. Walks level by level, without recursion: depth must not be able to end the process."""
    level = [value]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                # isascii first: nearly all text is, and it costs nothing.
                if not item.isascii() and _SURROGATE.search(item):
                    return False
            elif kind is dict:
                inner += item
                inner += item.values()
            elif kind is list:
                inner += item
            elif kind is float:
                if not isfinite(item):
                    return False
            elif kind is int and not -MAX_INTEGER < item < MAX_INTEGER:
                return False
        if not inner:
            return True
        level = inner
    return False


def are_sound(arguments: dict[str, Any]) -> bool:
    """`is_sound` for the arguments of a call, one level down: nearly all are short texts and small numbers, and cost one look."""
    for name, value in arguments.items():
        kind = type(value)
        if kind is str:
            plain = value.isascii()
        elif kind is int:
            plain = -MAX_INTEGER < value < MAX_INTEGER
        else:
            plain = kind is bool or value is None
        if not plain or not name.isascii():
            return is_sound([arguments])
    return True
