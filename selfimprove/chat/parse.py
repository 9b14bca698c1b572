"""Text of a model -> calls, an abstention, or a reason code; and back. Never raises, never evaluates, linear in the text.

    parse('<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>').answer
    parse("No tool fits this request.").answer.abstain == "no_tool"
    write(Answer(calls=(Call(name="f", arguments={"x": 1}),)))

What it is not: a check against the tools (that is `selfimprove.verify`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from selfimprove.records import Answer, Call
from selfimprove.records.sound import is_sound

NO_TOOL = "No tool fits this request."
MISSING = "Missing value: "
OPEN, CLOSE = "<tool_call>", "</tool_call>"
MAX_CHARACTERS = 1_000_000

_says_missing = re.compile(r"\bmissing values?:\s*([A-Za-z0-9_.,\- ]{1,200})", re.IGNORECASE)
_says_no_tool = re.compile(
    r"\b(no|none of the|not? (?:any|one) of the)\b[^.\n]{0,40}\b(tools?|functions?)\b", re.IGNORECASE
)
_decoder = json.JSONDecoder()


@dataclass(frozen=True)
class Parsed:
    """`answer` or `problem` is set. Problems: empty, too-large, bad-json, not-a-call, unclosed-call."""

    answer: Answer | None = None
    problem: str | None = None
    skipped: str = ""
    """Prose around the calls."""


def parse(text: str) -> Parsed:
    """Reads Hermes tags, or bare JSON objects with a name and arguments, one or many."""
    if len(text) > MAX_CHARACTERS:
        return Parsed(problem="too-large")
    stripped = text.strip()
    if not stripped:
        return Parsed(problem="empty")
    if OPEN in stripped:
        return _tagged(stripped)
    if stripped[0] in "{[":
        return _bare(stripped)
    return Parsed(answer=_abstention(stripped), skipped=stripped)


def write(answer: Answer) -> str:
    """The text that a model is trained to say. `parse(write(a)).answer == a` for every answer but `no_call`."""
    if answer.abstain == "missing":
        return MISSING + ", ".join(answer.missing)
    if answer.abstain:
        return NO_TOOL
    return "\n".join(OPEN + _json({"name": c.name, "arguments": c.arguments}) + CLOSE for c in answer.calls)


def _json(value: Any) -> str:
    # The end tag inside a value would close the call early; JSON has a second way to write "<".
    return json.dumps(value, ensure_ascii=False).replace("</", "\\u003c/")


def _tagged(text: str) -> Parsed:
    calls: list[Call] = []
    prose: list[str] = []
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        prose.append(text[position:start])
        end = text.find(CLOSE, start)
        if end < 0:
            return Parsed(problem="unclosed-call", skipped="".join(prose))
        found = _call(text[start + len(OPEN) : end])
        if isinstance(found, str):
            return Parsed(problem=found, skipped="".join(prose))
        calls.append(found)
        position = end + len(CLOSE)
    prose.append(text[position:])
    return Parsed(answer=Answer(calls=tuple(calls)), skipped="".join(prose).strip())


def _call(text: str) -> Call | str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "bad-json"
    return (_as_call(value) or "not-a-call") if is_sound(value) else "bad-json"


def _as_call(value: Any) -> Call | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    return Call(name=value["name"], arguments=arguments) if isinstance(arguments, dict) else None


def _bare(text: str) -> Parsed:
    calls: list[Call] = []
    for value in _values(text):
        if value is None:
            return Parsed(problem="bad-json")
        for item in value if isinstance(value, list) else [value]:
            found = _as_call(item)
            if found is None:
                return Parsed(problem="not-a-call")
            calls.append(found)
    return Parsed(answer=Answer(calls=tuple(calls))) if calls else Parsed(problem="not-a-call")


def _values(text: str) -> Iterator[Any]:
    """The JSON values of a text, one after the other; None where one is malformed."""
    position = 0
    while position < len(text):
        if text[position] in " \t\r\n,;":
            position += 1
            continue
        try:
            value, position = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield None
            return
        yield value if is_sound(value) else None


def _abstention(text: str) -> Answer:
    found = _says_missing.search(text)
    if found:
        words = [n for n in re.split(r"[,\s]+", found[1].rstrip(". ")) if n]
        return Answer(abstain="missing", missing=tuple(n for n in words if n != "and" or len(words) == 1))
    return Answer(abstain="no_tool" if _says_no_tool.search(text) else "no_call")
