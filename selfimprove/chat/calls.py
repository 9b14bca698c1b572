"""A JSON value -> the calls that it is, or None: data with a name, tool definitions and plain values are no calls.

    read_calls({"name": "f", "arguments": '{"x": 1}'}) == [Call(name="f", arguments={"x": 1})]
    read_calls({"tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]})
    read_calls({"name": "f", "description": "Does it.", "parameters": {...}}) is None
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from selfimprove.chat.literal import NotLiteral, read, skip_space
from selfimprove.records import Call
from selfimprove.records.sound import is_sound

NAME_KEYS = ("name", "function", "tool_name")
ARGUMENT_KEYS = ("arguments", "parameters")
ENVELOPES = ("function_call", "function", "functionCall")
"""Keys under which OpenAI's and Gemini's formats put the call itself."""
NAME_LINE = re.compile(r"([A-Za-z_][\w.\-]*+)[ \t]*+\r?\n\s*+(?=\{)")
"""A name alone on its line, above the object of its arguments: GLM 4, Functionary."""
_GIVEN = {*ARGUMENT_KEYS, "input", "args", "params", "kwargs"}
_BESIDE_A_NAME = {"name", "id", "type", "index", "function", "tool_name"}
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]


def read_value(text: str, position: int) -> tuple[Any, int]:
    """(value, end) of the JSON value, or of the Python literal, that begins there. Raises ValueError; never anything else."""
    position = skip_space(text, position)
    try:
        value, end = _scan(text, position)
    except (ValueError, StopIteration, RecursionError):
        value, end = read(text, position)
    if not is_sound(value):
        raise NotLiteral(position)
    return value, end


def read_calls(value: Any, *, name_alone: bool = True) -> list[Call] | None:
    """None for what is no call. An empty list only where the value says itself that it makes none (`{"tool_calls": []}`).

    `name_alone`: whether `{"name": "f"}` is a call without arguments; in prose it is data.
    """
    if isinstance(value, list):
        return _all(value, name_alone) if value else None
    if not isinstance(value, dict):
        return None
    wrapped = [key for key in ENVELOPES if isinstance(value.get(key), dict)]
    if len(wrapped) + (value.get("tool_calls") is not None) > 1:
        # Two answers in one: which of them counts depends on the reader.
        return None
    if wrapped:
        return read_calls(value[wrapped[0]])
    if isinstance(choices := value.get("choices"), list) and len(choices) == 1 and isinstance(choices[0], dict):
        # A whole response of OpenAI's interface.
        message = choices[0].get("message")
        return read_calls(message) if isinstance(message, dict) and "choices" not in message else None
    if "tool_calls" in value:
        return _all(value["tool_calls"] or [], True)
    found = _call(value, name_alone)
    return [found] if found else None


def _all(items: Any, name_alone: bool) -> list[Call] | None:
    if not isinstance(items, list):
        return None
    calls: list[Call] = []
    for item in items:
        # A list in a list is no form of any model: without it, the depth of a value cannot become depth of the stack.
        if not isinstance(item, dict) or "tool_calls" in item:
            return None
        found = read_calls(item, name_alone=name_alone)
        if not found:
            return None
        calls += found
    return calls


def _call(value: dict[str, Any], name_alone: bool) -> Call | None:
    if value.keys() == {"action", "action_input"}:  # LangChain's
        value = {"name": value["action"], "arguments": value["action_input"]}
    name = next((value[key] for key in NAME_KEYS if key in value), None)
    if not isinstance(name, str) or not name:
        return None
    given = [one for key, one in value.items() if key.casefold() in _GIVEN and (type(one) is dict or type(one) is list)]
    if any(one != given[0] for one in given[1:]) or any(value.get(key, name) not in (name, "function") for key in NAME_KEYS):
        # Two names or two sets of arguments: which of them counts depends on the reader.
        return None
    key = next((key for key in ARGUMENT_KEYS if key in value), None)
    if key is None:
        # Anthropic's blocks and Gemini's parts; beside anything else these words are data.
        anthropic = value.get("type") == "tool_use" and "input" in value
        key = "input" if anthropic else "args" if value.keys() == {"name", "args"} else None
    if key is None:
        # A name alone is a call without arguments; a name beside other data is data.
        # An id that is a number is that of a row: ids of calls are texts.
        data = not value.keys() <= _BESIDE_A_NAME or not isinstance(value.get("id", ""), str)
        return Call(name=name) if name_alone and not data else None
    if key == "parameters" and is_definition(value):
        return None
    arguments = _arguments(value[key])
    return None if arguments is None else Call(name=name, arguments=arguments)


def is_definition(value: dict[str, Any]) -> bool:
    """Whether a value with `parameters` describes a tool instead of calling it: a model may repeat what it was shown."""
    parameters = value.get("parameters")
    if isinstance(value.get("description"), str):
        return True
    return isinstance(parameters, dict) and parameters.get("type") == "object" and isinstance(parameters.get("properties"), dict)


def _arguments(value: Any) -> dict[str, Any] | None:
    """Arguments as an object, as JSON text of one, or none at all."""
    if isinstance(value, str) and value.strip():
        try:
            found, end = read_value(value, 0)
        except ValueError:
            return None
        value = found if end == len(value.rstrip()) else value
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    return value if isinstance(value, dict) else None
