"""Calls between marks, or behind a mark that names the tool: one loop and a few forms for all families (`marks.py`).

    section('<tool_call>{"name": "f", "arguments": {}}</tool_call>', 0).calls
    section("<tool_call>f\\n<arg_key>x</arg_key>\\n<arg_value>1</arg_value>\\n</tool_call>", 0).raw == (0,)

Nothing else can be meant between marks, so everything there is a call or makes the whole text broken. The end of a section may be
missing behind a whole call: many decoders stop at it. Raises Broken.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from selfimprove.chat import bracket, gemma, parameters
from selfimprove.chat.broken import Broken
from selfimprove.chat.calls import NAME_LINE, read_calls, read_value
from selfimprove.chat.literal import NotLiteral
from selfimprove.chat.marks import ACTION, CALL, CONTROL, NAMED_BY_KEY, RECIPIENT, SECTION, close_of
from selfimprove.records import Call
from selfimprove.records.sound import is_sound

_SECTION = re.compile(SECTION)
_MARKED_CALL = re.compile(CALL)
_BETWEEN = re.compile(r"(?:\s++|```[\w+-]*+|<\|plugin\|>)*")
_REST = re.compile(rf"(?:\s++|```|{CONTROL}|</s>)*\Z")
_SEP = r"<｜tool[▁_]sep｜>"
_NAMED = (
    (
        rf"<｜tool[▁_]call[▁_]begin｜>\s*+(?:function\s*+{_SEP}\s*+)?([^<>{{}}\n]++)(?:{_SEP})?\s*+(?:```\w*+\s*+)?",
        False,
    ),
    (r"<\|tool_call_begin\|>\s*+([^<>{}\n]++)\s*+<\|tool_call_argument_begin\|>\s*+", True),
    (r"<function=([^<>{}\n]++)>\s*+", False),
    (r"<\|recipient\|>\s*+([^<>{}\n]++)\s*+<\|content\|>\s*+", False),
    (
        r"to=([^\s<>{}=]++(?: [^\s<>{}=]++)*?)\s*+(?:<\|channel\|>\s*+\w*+\s*+)?(?:<\|constrain\|>)?\s*+"
        r"(?:\b(?:json|code)\b)?\s*+(?:<\|message\|>)?\s*+", True,
    ),
    (ACTION, False),
    (RECIPIENT, False),
)  # fmt: skip
"""A name before an object of arguments, and whether the name is a path: `functions.f:0`."""
_FORMS = tuple((re.compile(rf"{form}(?=\{{)"), is_path) for form, is_path in _NAMED)
_PATH = re.compile(r"\Afunctions\.(?=.)|(?<=.):\d+\Z")
_NAMED_END = re.compile(r"(?:\s*+```)?(?:\s*+(?:<｜tool[▁_]call[▁_]end｜>|<\|tool_call_end\|>|<\|call\|>|</function>))?")
_SPOKEN = re.compile(rf"\[\s*+{bracket.NAME}\(|{bracket.PYTHON_NAME}\(|call:|[^\s<]++\s*+<arg_key>")
"""What is no JSON: Python's form, Gemma's, GLM's."""
_SOME_END = re.compile(r"</(?:function|invoke)>|[▁_]end[｜|]>|<\|call\|>")


class Region(NamedTuple):
    """A part of the text that was read. `calls` is None for what is no call: a thought, or data."""

    end: int
    calls: list[Call] | None
    marked: bool = False
    """Between marks that mean nothing else. What merely looks like a call does not count beside it."""
    raw: tuple[int, ...] = ()
    """Positions in `calls` of those whose values are text, whatever they stand for."""


def section(text: str, position: int) -> Region:
    """What stands from a mark to its end, or to the end of the text after a whole call; a mark in place of an end begins the
    next one."""
    calls: list[Call] = []
    raw: list[int] = []
    opened: list[tuple[str, int]] = []
    read, whole = 0, False
    while True:
        position = _end(_BETWEEN, text, position)
        if mark := _SECTION.match(text, position):
            if opened and opened[-1][0] == mark[0] and read > opened[-1][1]:
                opened.pop()
            opened.append((mark[0], read))
            position = mark.end()
            continue
        if read > opened[-1][1]:
            if text.startswith(close := close_of(opened[-1][0]), position):
                position += len(close)
                opened.pop()
                if not opened:
                    break
                continue
            if whole:
                # A list ends itself: what follows is prose, as after Granite's, which has no closing mark.
                break
            if _REST.match(text, position):
                position = len(text)
                break
        whole = text.startswith("[", position)
        found, raw_values, position = _item(text, position, opened[-1][0], first=read == opened[-1][1])
        raw += range(len(calls), len(calls) + len(found)) if raw_values else ()
        calls += found
        read += 1
    return Region(position, calls, True, tuple(raw))


def _item(text: str, position: int, mark: str, *, first: bool) -> tuple[list[Call], bool, int]:
    """What stands at a place in a section: (calls, whether their values are raw, end). An empty list is no call at all."""
    if _MARKED_CALL.match(text, position):
        one = marked_call(text, position)
        return one.calls or [], bool(one.raw), one.end
    try:
        if text[position : position + 1] not in ("{", "["):
            if first and (found := parameters.read(text, position, bare=True)):
                return [Call(name=found.name, arguments=found.arguments)], found.raw, found.end
            if named := NAME_LINE.match(text, position):
                one = named_call(text, named[1], named.end())
                return one.calls or [], False, one.end
            if bracket.PYTHON.match(text, position):
                call, end = bracket.read_call(text, position)
                return [call], False, end
            if text.startswith("call:", position):
                name, arguments, end = gemma.read(text, position)
                return [Call(name=name, arguments=arguments)], False, end
        elif bracket.BEGINS.match(text, position):
            calls, end = bracket.read_list(text, position)
            return calls, False, end
        value, end = read_value(text, position)
    except ValueError:
        if text.find(close_of(mark), position) < 0:
            raise Broken("unclosed-call") from None
        raise Broken("bad-call" if _SPOKEN.match(text, position) else "bad-json") from None
    made = _by_key(value) if mark == NAMED_BY_KEY else read_calls(value)
    if not made and (value != [] or mark == "<tool_call>"):
        raise Broken("not-a-call")
    return made or [], False, end


def _by_key(value: Any) -> list[Call] | None:
    """`[{"f": {...}}]`: what Apertus writes."""
    items = value if isinstance(value, list) else [value]
    pairs = [pair for item in items if isinstance(item, dict) for pair in item.items()]
    if len(pairs) != len(items) or not all(name and isinstance(arguments, dict) for name, arguments in pairs):
        return read_calls(value)
    return [Call(name=name, arguments=arguments) for name, arguments in pairs]


def marked_call(text: str, position: int) -> Region:
    """One call whose own mark stands there: `<function=f>`, `<invoke name="f">`, DeepSeek's, Kimi's, gpt-oss', ReAct's."""
    for form, is_path in _FORMS:
        if named := form.match(text, position):
            name = _PATH.sub("", named[1].strip()) if is_path else named[1]
            return named_call(text, name, named.end())
    if found := parameters.read(text, position):
        call = Call(name=found.name, arguments=found.arguments)
        return Region(found.end, [call], True, (0,) if found.raw else ())
    raise Broken("bad-call" if _SOME_END.search(text, position) else "unclosed-call")


def named_call(text: str, name: str, position: int) -> Region:
    """A call whose name was read and whose arguments stand there as an object; without a name, calls as JSON."""
    try:
        value, end = read_value(text, position)
    except ValueError as error:
        cut = isinstance(error, NotLiteral) and error.position >= len(text.rstrip())
        raise Broken("unclosed-call" if cut else "bad-json") from None
    name = name.strip()
    if not is_sound(name):
        raise Broken("bad-json")
    calls = [Call(name=name, arguments=value)] if name else read_calls(value)
    if not calls and value != []:
        raise Broken("not-a-call")
    return Region(_end(_NAMED_END, text, end) if name else end, calls or [], marked=True)


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
