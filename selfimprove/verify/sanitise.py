"""Sanitise: no name and no value carries what only an attack or a broken model writes. A veto.

control-characters: NUL and its like. hidden-characters: zero-width, direction and tag characters that nobody said. markup:
tokens of a chat template inside a value that nobody said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from selfimprove.chat.marks import AROUND_VALUE, CALL, PREFIX, SECTION, THOUGHT
from selfimprove.records import Call
from selfimprove.tools.words import composed, heap
from selfimprove.verify.case import Case, Finding

_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_blank = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0100-\U000e01ef]|(?<=[^\W\d_])\ufe0f"
)
"""Letters and marks that cannot be seen though Unicode does not call them format characters."""
_markup = re.compile(
    rf"{SECTION}|{CALL}|{AROUND_VALUE}|{THOUGHT}|</(?:{PREFIX}(?:tool_calls?|function_calls?|think)|TOOLCALL)>|<tool_call\|>|"
    r"</?(?:tool_response|tools|s|start_of_turn|end_of_turn|(?:start|end)_function_(?:call|response|declaration))>|"
    r"<[|｜][\w▁ ]{1,40}[|｜]>|<</?SYS>>|\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS)\]|(?-i:\[(?:TOOL_RESULTS|ARGS|CALL_ID)\])",
    re.IGNORECASE,
)
"""Marks of calls and thoughts in every syntax that is read, and those of turns."""
_struck = re.compile(
    r"[A-Za-z0-9\u00c0-\u024f\u1e00-\u1eff][\u0300-\u036f]{0,8}"
    r"[\u0305\u0332-\u0338\u033f\u0488\u0489\u0591-\u05c7\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]"
)
"""A Latin letter or a digit with a stroke through it, a line or a circle around it, or another script's mark: o\u0336 is no o."""
_HIDDEN = ("Cf", "Cs", "Co")
"""Categories of Unicode: format, half of a character, private."""


def sanitise(case: Case) -> Finding | None:
    if case.answer is None or _is_plain("".join(_texts_of(case.answer.calls))):
        return None
    found = {code for call in case.answer.calls for text in _texts([call.name, call.arguments]) if (code := _code(text, case))}
    return ("rejected", tuple(sorted(found))) if found else None


def _texts_of(calls: Iterable[Call]) -> list[str]:
    found = []
    for call in calls:
        found.append(call.name)
        for name, value in call.arguments.items():
            found.append(name)
            kind = type(value)
            if kind is str:
                found.append(value)
            elif kind is list or kind is dict:
                found += _texts(value)
    return found


def _texts(value: Any) -> list[str]:
    """Every text in a value, names included."""
    found, waiting = [], [value]
    for one in waiting:
        if type(one) is str:
            found.append(one)
        elif type(one) is dict:
            found += one
            waiting += one.values()
        elif type(one) is list:
            waiting += one
    return found


def _is_plain(text: str) -> bool:
    """Whether there is nothing to look for, however texts are joined."""
    return text.isascii() and text.isprintable() and "<" not in text and "[" not in text


def _code(text: str, case: Case) -> str:
    if _is_plain(text):
        return ""
    if any(c not in case.text for c in _control.findall(text)):
        return "control-characters"
    if not text.isascii() and any(near not in case.text for near in _hidden(text)):
        return "hidden-characters"
    return "markup" if any(m.casefold() not in case.text.casefold() for m in _markup.findall(text)) else ""


def _hidden(text: str) -> set[str]:
    """What cannot be seen, or not be told from a plain letter. In Latin letters with its neighbours: a joiner in an emoji that
    was said says nothing of one inside a name; other scripts are written with joiners."""
    # Composed, a letter may lose its stroke to an accent, and the other way round.
    found = {*heap.findall(text), *_struck.findall(text), *_struck.findall(composed(text))}
    places = {m.start() for m in _blank.finditer(text)}
    places |= {i for i, c in enumerate(text) if not c.isascii() and (unicodedata.category(c) in _HIDDEN or _is_alike(c))}
    for i in places:
        near = text[max(0, i - 1) : i + 2]
        found.add(near if any(c.isascii() and c.isalnum() for c in near) else text[i])
    return found


def _is_alike(character: str) -> bool:
    """Whether a letter is another form of a plain one: the Roman numeral for fifty for l, the long s."""
    plain = unicodedata.normalize("NFKC", character)
    return len(plain) == 1 and plain.isascii() and plain.isalpha() and character not in "\u00aa\u00ba"
