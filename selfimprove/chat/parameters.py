"""Calls whose arguments stand in tags of their own, as plain text: Qwen3-Coder, Seed, GLM, MiniMax, DeepSeek V3.2.

    read("<function=f>\\n<parameter=x>\\n1\\n</parameter>\\n</function>", 0).arguments == {"x": "1"}

What a text stands for only the tool's schema says (`selfimprove.subtasks.typed`); here it stays as it is. One line break after
the opening and before the closing tag is form. A tag closes a value where the next argument or the end of the call follows, so
that a value may hold the marks of any family. Raises Broken.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from selfimprove.chat.broken import Broken
from selfimprove.chat.calls import read_value
from selfimprove.chat.literal import skip_space
from selfimprove.chat.marks import PREFIX
from selfimprove.records.sound import is_sound

_Q = r"[\"']?"


class _Form(NamedTuple):
    """How a call begins (1: its name), an argument (1: its name, 2: whether it says to be text), a value ends, and the call."""

    call: re.Pattern[str]
    argument: re.Pattern[str]
    value_end: re.Pattern[str]
    call_end: re.Pattern[str]


def _form(call: str, argument: str, value_end: str, call_end: str, next_argument: str) -> _Form:
    end = re.compile(rf"{value_end}(?=\s*+(?:{next_argument}|{call_end}))")
    return _Form(re.compile(call), re.compile(argument), end, re.compile(call_end))


_FORMS = (
    _form(r"<function=([^<>{}\n]++)>(?!\s*+\{)", r"<parameter=([^<>\n]++)>()", "</parameter>", "</function>", "<parameter="),
    _form(
        rf"<{PREFIX}invoke\s++name={_Q}([^\"'<>\n]++){_Q}\s*+>",
        rf"<{PREFIX}parameter\s++name={_Q}([^\"'<>\n]++){_Q}(?:\s++string={_Q}(true|false){_Q})?\s*+>",
        rf"</{PREFIX}parameter>", rf"</{PREFIX}invoke>", rf"<{PREFIX}parameter\s",
    ),
    _form(
        r"([^\s<>{}\[\]()\"'`=][^<>{}\[\]()\"=\n]*+)(?=\s*+<arg_key>|\s*+</)", r"<arg_key>([^<>\n]++)</arg_key>\s*+<arg_value>()",
        "</arg_value>", r"(?=</)(?!</arg_)", "<arg_key>",
    ),
)  # fmt: skip


class Parameters(NamedTuple):
    """A call as it was read. `raw`: its values are text, whatever they stand for."""

    name: str
    arguments: dict[str, Any]
    raw: bool
    end: int


def read(text: str, position: int, *, bare: bool = False) -> Parameters | None:
    """The call that begins there; None where none of these forms does. `bare`: its name may stand without a mark, as GLM's."""
    for form in _FORMS if bare else _FORMS[:2]:
        if found := form.call.match(text, position):
            return _read(text, found, form)
    return None


def _read(text: str, found: re.Match[str], form: _Form) -> Parameters:
    name, position = found[1].rstrip(), found.end()
    arguments: dict[str, Any] = {}
    raw = True
    while True:
        # White space is skipped here: a pattern that begins with it would be searched for in quadratic time.
        position = skip_space(text, position)
        if end := form.call_end.match(text, position):
            position = end.end()
            break
        begun = form.argument.match(text, position)
        value_end = begun and form.value_end.search(text, begun.end())
        if not begun or not value_end:
            raise Broken("bad-call" if form.call_end.search(text, position) else "unclosed-call")
        key, kind = begun[1], begun[2]
        if not key or key in arguments:
            raise Broken("bad-call")
        arguments[key] = _value(text[begun.end() : value_end.start()], kind)
        raw &= not kind
        position = value_end.end()
    if not name or not is_sound([name, arguments]):
        raise Broken("bad-call")
    return Parameters(name, arguments, raw and bool(arguments), position)


def _value(text: str, kind: str | None) -> Any:
    text = _without_breaks(text)
    if kind != "false":
        return text
    try:
        value, end = read_value(text, 0)
    except ValueError:
        raise Broken("bad-json") from None
    if text[end:].strip():
        raise Broken("bad-json")
    return value


def _without_breaks(text: str) -> str:
    start = 2 if text.startswith("\r\n") else 1 if text.startswith("\n") else 0
    rest = text[start:]
    return rest[:-2] if rest.endswith("\r\n") else rest[:-1] if rest.endswith("\n") else rest
