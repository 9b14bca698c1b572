"""Calls as `name(key=value)`: ToolACE's brackets, whose names need not be identifiers, and lines of Python calls.

    read_list("[get_tide(harbor='Brest'), Weather API(city=\"Oslo\", **{'when to': 1})]", 0)
    read_lines("get_tide(harbor='Brest')\\nnow()", 0)

Values are literals (`selfimprove.chat.literal`); nothing is evaluated. Raises NotLiteral where a call is broken, NoCall where the
text turns out to be something else (`f(x=1) + 2`).
"""

from __future__ import annotations

import json
import re
from typing import Any

from selfimprove.chat.literal import PLAIN, NotLiteral, plain_value, read, skip_space
from selfimprove.records import Call
from selfimprove.records.base import maker
from selfimprove.records.sound import is_sound

_QUOTED = r'"(?!")[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
NAME = rf"(?:{_QUOTED}|[^()\[\]{{}}\"=,<>\n]++)"
PYTHON_NAME = rf"(?:{_QUOTED}|\w[\w.-]*+)"
_KEY = r"(?:[^()\[\]{}\"'=,\n]++)"
BEGINS = re.compile(rf"\[\s*+{NAME}\(")
PYTHON = re.compile(rf"[ \t]*+{PYTHON_NAME}\(")
NAMED = re.compile(rf"\s*+(?:{_KEY}=(?!=)|\*\*)")
EMPTY = re.compile(r"\s*+\)\s*+[\],]")
"""What follows the parenthesis of a call that is meant as one: a named argument; in a list, no argument at all."""
_name = re.compile(rf"\s*+({NAME})\(")
_key = re.compile(rf"\s*+({_KEY})=(?!=)")
_plain = re.compile(rf"\s*+({_KEY})=(?!=)\s*+{PLAIN}\s*+([,)])")
_after = re.compile(r"(?:`|\*\*)?[.!]?[ \t]*+(?:[,;][ \t]*+)?")

_call = maker(Call)


class NoCall(Exception):  # noqa: N818 - a finding, caught by the parser
    """The text is no call after all; `position` is where that was seen."""

    def __init__(self, position: int) -> None:
        super().__init__(f"no call before {position}")
        self.position = position


def read_list(text: str, position: int) -> tuple[list[Call], int]:
    """Calls between brackets; `position` is that of the opening one."""
    calls: list[Call] = []
    position += 1
    while True:
        call, position = read_call(text, position)
        calls.append(call)
        if not text.startswith("]", position):
            position = skip_space(text, position)
        if text.startswith("]", position):
            return calls, position + 1
        if text.startswith((",", ";"), position):
            position = skip_space(text, position + 1)
            if text.startswith("]", position):
                return calls, position + 1
        elif not _name.match(text, position):
            raise NotLiteral(position)


def read_lines(text: str, position: int) -> tuple[list[Call], int]:
    """One call, or several on one line; what follows on the line makes it an expression or prose."""
    calls: list[Call] = []
    while True:
        call, position = read_call(text, position)
        calls.append(call)
        found = _after.match(text, position)
        position = found.end() if found else position
        if text.startswith(("\n", "\r", "```", "<|", "</s>"), position) or position == len(text):
            return calls, position
        if not PYTHON.match(text, position):
            raise NoCall(position)


def read_call(text: str, position: int) -> tuple[Call, int]:
    found = _name.match(text, position)
    if not found:
        raise NotLiteral(position)
    name = found[1].strip()
    if name.startswith('"'):
        # As JSON text: `write` quotes a name that could be taken for something else.
        try:
            name = json.loads(name, strict=False)
        except ValueError:
            raise NotLiteral(found.start(1)) from None
    arguments, end, plain = _arguments(text, found.end())
    if not name or not ((plain and text.isascii() and name.isascii()) or is_sound([name, arguments])):
        raise NotLiteral(found.start(1))
    return _call({"name": name, "arguments": arguments}), end


def _arguments(text: str, position: int) -> tuple[dict[str, Any], int, bool]:
    """Named arguments up to the closing parenthesis, its end, and whether all are as `_plain` has them, without escapes.
    One without a name, or given twice, is refused."""
    arguments: dict[str, Any] = {}
    all_plain = True
    while True:
        if plain := _plain.match(text, position):
            name, single, double, number, fraction, word, close = plain.groups()
            name = name.strip()
            if name in arguments:
                raise NotLiteral(position)
            arguments[name] = single or double or plain_value(single, double, number, fraction, word)
            position = plain.end()
            if close == ")":
                return arguments, position, all_plain
            continue
        position = skip_space(text, position)
        if text.startswith(")", position):
            return arguments, position + 1, all_plain
        all_plain = False
        if text.startswith("**", position):
            more, end = read(text, position + 2)
            if not isinstance(more, dict):
                raise NotLiteral(position)
        else:
            found = _key.match(text, position)
            if not found:
                raise NotLiteral(position)
            value, end = read(text, found.end())
            more = {found[1].strip(): value}
        if more.keys() & arguments.keys():
            raise NotLiteral(position)
        arguments |= more
        position = skip_space(text, end)
        if text.startswith(",", position):
            position += 1
        elif not text.startswith(")", position):
            raise NotLiteral(position)
