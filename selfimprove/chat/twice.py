"""A key that stands twice in one JSON object, with different values: readers disagree about which counts, so it is no answer.

    has_key_twice('{"name": "f", "arguments": {"x": 1, "x": 2}}', calls)
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from selfimprove.chat.calls import ARGUMENT_KEYS
from selfimprove.records import Call

MOST_STARTS = 32
"""Places that are tried in one text: each can cost a pass over what is left of it."""
SHORT = 20_000
"""Characters of a text in which a thousand are."""
MOST_KEYS = 64
"""Keys that are counted in a text before it is simply read again."""
_start = re.compile(r"[\[{]")


class _Twice(Exception):  # noqa: N818 - a finding, caught in this file
    pass


def has_key_twice(text: str, calls: Sequence[Call]) -> bool:
    """Whether an object in the text has a key twice. The calls that were read say at once that most texts have none."""
    if '"' not in text or ":" not in text:
        return False
    names: Counter[str] = Counter()
    waiting: list[Any] = [call.arguments for call in calls]
    for one in waiting:
        if type(one) is dict:
            names.update(one.keys())
        if len(names) > MOST_KEYS:
            break
        waiting += (v for v in (one.values() if type(one) is dict else one) if type(v) is dict or type(v) is list)
    keys = [*names.items(), ("name", len(calls)), ("arguments", len(calls)), ("parameters", len(calls))]
    # A name can be written with escapes, and so can a whole object, as text.
    as_is = "\\u" not in text and '\\"' not in text
    if as_is and len(keys) <= MOST_KEYS and all(text.count(f'"{name}"') <= count for name, count in keys):
        return False
    position = 0
    for _ in range(MOST_STARTS if len(text) > SHORT else 1_000):
        found = _start.search(text, position)
        if not found:
            return False
        try:
            _, position = _decoder.raw_decode(text, found.start())
        except _Twice:
            return True
        except (ValueError, RecursionError):
            position = found.end()
    return False


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if found.setdefault(name, value) != value:
            raise _Twice
        if name in ARGUMENT_KEYS and type(value) is str and "{" in value:
            with suppress(ValueError, RecursionError):
                _decoder.decode(value)
    return found


_decoder = json.JSONDecoder(strict=False, object_pairs_hook=_pairs)
