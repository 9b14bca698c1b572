"""The forms that nearly all answers have, read in one go: one call as JSON, calls in Hermes' tags, a list of Python calls.

    read('<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>') == [Call(name="f", arguments={"x": 1})]
    read("[f(x=1), g()]")

None for everything else and wherever anything is odd: `parse` then reads the text from its beginning, and decides. What is read
here is read in the same way there; a test compares the two.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from selfimprove.chat import bracket
from selfimprove.chat.write import CLOSE, OPEN
from selfimprove.records import Call
from selfimprove.records.sound import are_sound

LONGEST = 20_000
"""Characters. Beyond, what is odd only at its end would cost much to read a second time."""
_one = TypeAdapter(Call).validator


def read(text: str) -> list[Call] | None:
    if len(text) > LONGEST:
        return None
    first = text[:1]
    try:
        if first == "[" and text[1:2] != "{":
            calls, end = bracket.read_list(text, 0)
            return calls if end == len(text) else None
        if first == "<" and text.startswith(OPEN):
            return _tagged(text)
        if first == "{":
            return _sound([_one.validate_json(text)])
    except ValueError:
        pass
    return None


def _tagged(text: str) -> list[Call] | None:
    calls: list[Call] = []
    position = 0
    while True:
        # A value that holds the closing tag is no JSON up to there.
        end = text.find(CLOSE, position)
        if end < 0:
            return None
        calls.append(_one.validate_json(text[position + len(OPEN) : end]))
        position = end + len(CLOSE)
        if position == len(text):
            return _sound(calls)
        if text.startswith("\n", position):
            position += 1
        if not text.startswith(OPEN, position):
            return None


def _sound(calls: list[Call]) -> list[Call] | None:
    return calls if all(call.name and are_sound(call.arguments) for call in calls) else None
