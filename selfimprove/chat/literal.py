"""Python's way of writing JSON values, read without evaluating anything: `{'x': True, 'y': (1, None)}`.

    read("f = [1, 'a']", 4) == ([1, "a"], 12)

Takes what a model writes between parentheses: strings in all four quotes with Python's escapes, numbers, True or true, None or
null, lists, tuples (as lists) and dictionaries with text keys. Names, calls, operators and formatted strings are refused.
Every character is looked at a bounded number of times.
"""

from __future__ import annotations

import re
from typing import Any

from selfimprove.records.sound import MAX_DEPTH

# No possessive group holds alternatives: Python before 3.11.5 gets those wrong.
_SPACE = re.compile(r"\s*+")
_DECIMAL = r"(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9]++)?"
_NUMBER = re.compile(rf"([+-]?)(?:(0[xX][0-9a-fA-F]++)|({_DECIMAL}))(?!\w)")
_WORD = re.compile(r"(True|true|False|false|None|null)\b")
_STRING = re.compile(
    r'([rRuU]?)(?:"""([^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*)"""'
    r"|'''([^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*)'''"
    r'|"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
    r"|'([^'\\]*+(?:\\.[^'\\]*+)*+)')",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_PLAIN = {
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": "",
}  # fmt: skip
PLAIN = r"(?:'([^'\\]*+)'|\"([^\"\\]*+)\"|(-?(?:0|[1-9][0-9]{0,17}+))(\.[0-9]{1,18}+)?|(True|False|None))"
"""A value as nearly all are: a text without escapes, a number or a word. One match instead of ten; see `plain_value`."""
_ITEM = re.compile(rf"\s*+{PLAIN}\s*+([,\]])")
_LONGEST_NUMBER = 400
"""Digits: beyond them a number is no float, and Python's own conversion takes quadratic time."""


class NotLiteral(ValueError):  # noqa: N818 - what was found, not a fault
    """`position` is where the text stops being a literal; the end of the text when it stops in the middle of one."""

    def __init__(self, position: int) -> None:
        super().__init__(f"no literal at {position}")
        self.position = position


def read(text: str, position: int, depth: int = 0) -> tuple[Any, int]:
    """(value, end). Raises NotLiteral."""
    position = skip_space(text, position)
    first = text[position : position + 1]
    if first in ("[", "("):
        return _items(text, position + 1, "]" if first == "[" else ")", depth)
    if first == "{":
        return _pairs(text, position + 1, depth)
    if found := _STRING.match(text, position):
        return _strings(text, found)
    if found := _NUMBER.match(text, position):
        return _number(found), found.end()
    if found := _WORD.match(text, position):
        return _WORDS[found[1]], found.end()
    # A string that is never closed reaches the end of the text.
    raise NotLiteral(len(text) if first in ("'", '"', "") else position)


def skip_space(text: str, position: int) -> int:
    if not text[position : position + 1].isspace():
        return position
    found = _SPACE.match(text, position)
    return found.end() if found else position


def plain_value(single: str | None, double: str | None, number: str | None, fraction: str | None, word: str | None) -> Any:
    """The value of a match of `PLAIN`."""
    if number is not None:
        return int(number) if fraction is None else float(number + fraction)
    return _WORDS[word] if word is not None else single or double or ""


def _items(text: str, position: int, close: str, depth: int) -> tuple[Any, int]:
    items: list[Any] = []
    while True:
        if depth >= MAX_DEPTH:
            raise NotLiteral(position)
        if close == "]" and (plain := _ITEM.match(text, position)):
            *parts, end = plain.groups()
            items.append(plain_value(*parts))
            position = plain.end()
            if end == close:
                return items, position
            continue
        position = skip_space(text, position)
        if text.startswith(close, position):
            return items, position + 1
        value, position = read(text, position, depth + 1)
        items.append(value)
        position = skip_space(text, position)
        if text.startswith(",", position):
            position += 1
        elif text.startswith(close, position):
            # Parentheses around one value are no tuple.
            return (value if close == ")" and len(items) == 1 else items), position + 1
        else:
            raise NotLiteral(position)


def _pairs(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    pairs: dict[str, Any] = {}
    while True:
        if depth >= MAX_DEPTH:
            raise NotLiteral(position)
        position = skip_space(text, position)
        if text.startswith("}", position):
            return pairs, position + 1
        key, position = read(text, position, depth + 1)
        position = skip_space(text, position)
        if not isinstance(key, str) or not text.startswith(":", position):
            raise NotLiteral(position)
        value, end = read(text, position + 1, depth + 1)
        if pairs.setdefault(key, value) != value:
            # Readers disagree about which of the two counts.
            raise NotLiteral(position)
        position = end
        position = skip_space(text, position)
        if text.startswith(",", position):
            position += 1
        elif not text.startswith("}", position):
            raise NotLiteral(position)


def _strings(text: str, found: re.Match[str]) -> tuple[str, int]:
    """Python joins strings that stand one after the other."""
    parts = [_string(found)]
    while following := _STRING.match(text, skip_space(text, found.end())):
        found = following
        parts.append(_string(found))
    return "".join(parts), found.end()


def _string(found: re.Match[str]) -> str:
    body = next(part for part in found.groups()[1:] if part is not None)
    if "\\" not in body or found[1] in ("r", "R"):
        return body
    said = _ESCAPE.sub(_escaped, body)
    if any("\ud800" <= c <= "\udfff" for c in said):
        # Two halves, as JSON writes a character beyond 16 bits; a lone one stays and is refused later.
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return said


def _escaped(found: re.Match[str]) -> str:
    octal, *hexadecimal, plain = found.groups()
    if plain is not None:
        return _PLAIN.get(plain, found[0])
    code = int(octal, 8) if octal else int(next(h for h in hexadecimal if h), 16)
    return chr(code) if code <= 0x10FFFF else found[0]


def _number(found: re.Match[str]) -> int | float:
    sign, hexadecimal, decimal = found.groups()
    digits = (hexadecimal or decimal).replace("_", "")
    zeros = digits.isdigit() and digits.startswith("0") and digits.strip("0")
    if len(digits) > _LONGEST_NUMBER or (zeros and not hexadecimal):
        raise NotLiteral(found.start())
    if hexadecimal:
        value: int | float = int(digits, 16)
    else:
        value = int(digits) if digits.isdigit() else float(digits)
    return -value if sign == "-" else value
