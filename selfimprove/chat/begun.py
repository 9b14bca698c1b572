"""Calls that were begun and cannot be read: only who knows the tools can tell them from prose.

    begins_a_call('<|tool_call_begin|>functions.f:0', {"f"}) and begins_a_call("Okay! get_weather(ci", {"get_weather"})
    not begins_a_call("I cannot use get_weather for that.", {"get_weather"})
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from selfimprove.chat import bracket
from selfimprove.chat.literal import NotLiteral
from selfimprove.records import Call

_begun = re.compile(
    r"(?:\A|\n|>>>)[ \t]*+(?:Action:[ \t]*+)?([\w.\-/]++)(\(\w*+|[ \t]*+\n[ \t]*+A[\w ]{0,13}:?)?\Z"
)


def ends_in_a_call(candidate: str, skipped: str, tools: Iterable[str]) -> bool:
    """Whether the end is the beginning of one more call as Python, ReAct or Functionary writes it: `get_we`, `Action: get_we`."""
    found = _begun.search(candidate.rstrip()[-200:])
    if not found or not skipped.endswith(found[0].strip()):
        return False
    return any(name == found[1] if found[2] else name.startswith(found[1]) for name in tools)


_mark = re.compile(
    r"(?:<[|\uff5c]?[\w:]{0,20}?(?:tool[_\u2581]?calls?|function[_\u2581]calls?|python_tag|action|tools_prefix)"
    r"(?:[_\u2581](?:start|begin))?|\[TOOL_CALLS)[|\uff5c]?[>\]](?!\s*+\[\s*+\])|<(?:\w{1,20}:)?invoke name=|"
    r"DSML[|\uff5c]|<function=|<arg_key>|<parameter[ =]|<start_function_call|\bto=functions\.",
    re.IGNORECASE,
)
_thought = re.compile(
    r"\A.*(?:</(?:think|thinking|reasoning|scratch_pad|seed:think)>|\[/THINK\]|<\|END_THINKING\|>|<\|inner_suffix\|>|<channel\|>|"
    r"\u25c1/think\u25b7|assistantfinal|<\|channel\|>final)",
    re.DOTALL,
)
_named = re.compile(
    r"\b(?:name|function|tool_name|action)[\"']?\s*+[:=]\s*+[\"']?([^\"'\n<>({\[]{1,64})"
    r"|\A\s*+([\w.\-]++)[ \t]*+\r?\n\s*+\{"
    r"|>>>([\w.\-]{1,64})|(?<![\w.\-/])([\w.\-/]++)\(\w*+\s*+\Z|\[\s*+([^()\[\]{}\n=,]{1,64})\(\w*+\s*+\Z",
    re.IGNORECASE,
)


_given = re.compile(
    r"(?<![\w.\-/])([\w.\-/]++)[*`_]{0,3}"
    r"(?:[ \t]?\((?=\s*+(?:[\"'{\[]|\*\*|[A-Za-z_]\w*+\s*+=(?!=)))"
    r"|\s*+\n?(?:[ \t]*+(?:arguments|args|parameters|params|input)[ \t]*+[:=]|<\|content\|>)?\s*+(?=\{\s*+(?:[\"']\w|\})))",
    re.IGNORECASE,
)
"""A name and arguments that it is given: in parentheses, or as an object behind it."""
_place = re.compile(r"[^()]{0,200}?(?:\.\.\.|\u2026|<\w[\w ]{0,40}>)")
"""Arguments that show where a value would stand."""
MOST_GIVEN = 1_000
"""Places that are looked at in the prose of one answer; a tenth of them is read."""


MOST_FOUND = 200
"""Calls that are made of one value beside the answer."""


def calls_in_prose(said: str, tools: Container[str]) -> list[Call]:
    """Whole calls of offered tools as Python writes them, wherever they stand: `f(x=1)` in "f(x=1), or f(x=2)?"."""
    calls: list[Call] = []
    if "(" not in said:
        return calls
    for found in islice(_given.finditer(said), MOST_GIVEN):
        name = _offered(found[1], tools)
        if name and said[found.end() - 1] == "(" and len(calls) < MOST_GIVEN // 10:
            with suppress(NotLiteral):
                calls.append(Call(name=name, arguments=bracket.read_call(f"f{said[found.end() - 1 :]}", 0)[0].arguments))
    return calls


def _offered(path: str, tools: Container[str]) -> str:
    """The offered tool that a name means: `functions.f` is f."""
    return path if path in tools else name if (name := path.rpartition(".")[2]) in tools else ""


def calls_in_data(value: Any, calls: Iterable[Call], tools: Container[str]) -> list[Call]:
    """What JSON beside calls would call: `{"f": {"x": 2}}`, `{"tool": "f", "input": {"x": 2}}`, or `{"x": 2}` of a tool that is
    called with another x. Looks at the outer levels only."""
    found: list[Call] = []
    level = [value]
    for _ in range(3):
        for one in level:
            if not isinstance(one, dict) or len(found) > MOST_FOUND:
                continue
            inner = [v for v in one.values() if isinstance(v, dict)]
            found += (Call(name=v, arguments=inner[0]) for v in one.values() if inner and isinstance(v, str) and v in tools)
            found += (Call(name=k, arguments=v) for k, v in one.items() if k in tools and isinstance(v, dict) and v)
            found += (
                Call(name=call.name, arguments=one)
                for call in calls
                if call.name in tools and any(k in call.arguments and call.arguments[k] != v for k, v in one.items())
            )
        inside = (v for one in level for v in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()))
        level = list(islice(inside, MOST_GIVEN))
    return found


def begins_a_call(text: str, tools: Container[str]) -> bool:
    """Whether a text in which no call can be read has marks of one in any family's syntax, or the beginning of one of an
    offered tool: it does not say that no call is right."""
    said = _thought.sub("", text)
    if any(_offered(found[1], tools) and not _place.match(said, found.end()) for found in _given.finditer(said)):
        return True
    if _mark.search(said) or said.strip(" \n\t[]`\"'") in tools:
        return True
    return any(next(filter(None, found.groups())).strip() in tools for found in _named.finditer(said))
