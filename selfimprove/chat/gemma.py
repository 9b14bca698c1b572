"""Calls as Gemma's own models write them: `call:f{city:<escape>Oslo<escape>,days:3}`, or with `<|"|>` around texts.

    read('call:f{x:[1,true],y:{z:<escape>a<escape>}}', 0)[:2] == ("f", {"x": [1, True], "y": {"z": "a"}})

Raises NotLiteral where it is broken. Only texts have marks around them, so nothing here is untyped.
"""

from __future__ import annotations

import re
from typing import Any

from selfimprove.chat.literal import NotLiteral, skip_space
from selfimprove.chat.literal import read as read_literal
from selfimprove.records.sound import MAX_DEPTH, is_sound

CALL = re.compile(r"call:([^{}<>\n]++)(?=\{)")
_QUOTES = ("<escape>", '<|"|>')
_KEY = re.compile(r"[^:,{}\[\]<>\"'\n]++")
_WORD = re.compile(r"[^\s,{}\[\]<>\"']++")


def read(text: str, position: int) -> tuple[str, dict[str, Any], int]:
    """(name, arguments, end) of the call that begins there."""
    found = CALL.match(text, position)
    if not found:
        raise NotLiteral(len(text) if "call:".startswith(text[position:]) else position)
    value, end = _value(text, found.end(), 0)
    if not isinstance(value, dict) or not is_sound([found[1], value]):
        raise NotLiteral(position)
    return found[1], value, end


def _value(text: str, position: int, depth: int) -> tuple[Any, int]:
    position = skip_space(text, position)
    if depth >= MAX_DEPTH:
        raise NotLiteral(position)
    if (first := text[position : position + 1]) in ("{", "["):
        return (_pairs if first == "{" else _items)(text, position + 1, depth + 1)
    if quoted := _quoted(text, position):
        return quoted
    found = _WORD.match(text, position)
    value, end = read_literal(text, position)
    if not found or end != found.end() or isinstance(value, str):
        raise NotLiteral(position)
    return value, end


def _quoted(text: str, position: int) -> tuple[str, int] | None:
    for quote in _QUOTES:
        if text.startswith(quote, position):
            end = text.find(quote, position + len(quote))
            if end < 0:
                raise NotLiteral(len(text))
            return text[position + len(quote) : end], end + len(quote)
    return None


def _pairs(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    pairs: dict[str, Any] = {}
    while not text.startswith("}", position):
        if quoted := _quoted(text, position):
            key, position = quoted
        else:
            found = _KEY.match(text, position)
            if not found:
                raise NotLiteral(position)
            key, position = found[0], found.end()
        if key in pairs or not text.startswith(":", position):
            raise NotLiteral(position)
        pairs[key], position = _value(text, position + 1, depth)
        position = _separator(text, position, "}")
    return pairs, position + 1


def _items(text: str, position: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while not text.startswith("]", position := skip_space(text, position)):
        value, position = _value(text, position, depth)
        items.append(value)
        position = _separator(text, position, "]")
    return items, position + 1


def _separator(text: str, position: int, close: str) -> int:
    # No space is skipped behind a comma: it would belong to the name of an argument.
    position = skip_space(text, position)
    if text.startswith(",", position):
        return position + 1
    if not text.startswith(close, position):
        raise NotLiteral(position)
    return position
