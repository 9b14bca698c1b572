"""Calls that were begun and cannot be read: only who knows the tools can tell them from prose.

    begins_a_call('<|tool_call_begin|>functions.f:0', {"f"}) and begins_a_call("Okay! get_weather(ci", {"get_weather"})
    not begins_a_call("I cannot use get_weather for that.", {"get_weather"})
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_begun = re.compile(r"([\w.\-/]+)(\(\w*)?")


def ends_in_a_call(candidate: str, skipped: str, tools: Iterable[str]) -> bool:
    """Whether the last line is the beginning of one more call as Python writes it: `get_we`, `get_weather(ci`."""
    tail = candidate.rstrip().rsplit("\n", 1)[-1].strip()
    found = _begun.fullmatch(tail) if skipped.endswith(tail) and len(tail) < 200 else None
    return found is not None and any(name == found[1] if found[2] else name.startswith(found[1]) for name in tools)


_mark = re.compile(
    r"(?:<[|\uff5c]?[\w:]{0,20}?(?:tool[_\u2581]?calls?|function[_\u2581]calls?|python_tag|action)(?:[_\u2581](?:start|begin))?|\[TOOL_CALLS)"
    r"[|\uff5c]?[>\]](?!\s*+\[\s*+\])|<invoke name=|<function=|\bto=functions\.",
    re.IGNORECASE,
)
_thought = re.compile(r"\A.*(?:</(?:think|thinking|reasoning|scratch_pad)>|\[/THINK\])", re.DOTALL)
_named = re.compile(
    r"\b(?:name|function|tool_name|action)[\"']?\s*+[:=]\s*+[\"']?([^\"'\n<>({]{1,64})"
    r"|(?<![\w.\-/])([\w.\-/]++)\(\w*+\s*+\Z|\[\s*+([^()\[\]{}\n=,]{1,64})\(\w*+\s*+\Z",
    re.IGNORECASE,
)


def begins_a_call(text: str, tools: Container[str]) -> bool:
    """Whether a text in which no call can be read has marks of one in any family's syntax, or the beginning of one of an
    offered tool: it does not say that no call is right."""
    said = _thought.sub("", text)
    if _mark.search(said) or said.strip(" \n\t[`\"'") in tools:
        return True
    return any((found[1] or found[2] or found[3]).strip() in tools for found in _named.finditer(said))
