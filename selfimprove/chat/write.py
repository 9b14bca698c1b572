"""An answer -> the text that a model of a family says. `parse(write(a, s)).answer == a` for every answer but `no_call`.

    write(Answer(calls=(Call(name="f", arguments={"x": 1}),)))                  # <tool_call>{"name": "f", ...}</tool_call>
    write(answer, "brackets")                                                  # [f(x=1)]

Names and keys that a syntax has no place for are quoted in a way that its readers allow: as text before the parenthesis, and as
`**{"odd key": 1}`. Inside values, what could be taken for a control token is written with JSON's \\u escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from selfimprove.chat.calls import is_definition
from selfimprove.records import Answer, Call

NO_TOOL = "No tool fits this request."
MISSING = "Missing value: "
OPEN, CLOSE = "<tool_call>", "</tool_call>"
TOOL_CALLS, ARGS = "[TOOL_CALLS]", "[ARGS]"

_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_identifier = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*", re.ASCII)
_bare_name = re.compile(r"[\w.\-/]+(?: [\w.\-/]+)*")
_bare_key = re.compile(r"[\w.\-]+")
_MARK = re.compile(r"<(?=/?(?:tool_call|think)\b)|\[(?=/?(?:TOOL_CALLS|ARGS|CALL_ID|THINK)\])")

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write(answer: Answer, syntax: str = "hermes", control: Sequence[str] = ()) -> str:
    """`control`: further texts (a tokenizer's control tokens) that no value may contain as they are."""
    if answer.abstain == "missing":
        return MISSING + ", ".join(answer.missing)
    if answer.abstain:
        return NO_TOOL
    return escape(SYNTAXES[syntax](answer.calls), control)


def escape(text: str, control: Sequence[str]) -> str:
    """Control tokens inside the JSON strings of a text, written so that no tokenizer takes them for what they name."""
    found = [token for token in control if token in text and token.isprintable() and not set(token) & {'"', "\\"}]
    if not found:
        return text
    pattern = re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))))
    return _TEXT.sub(lambda text: pattern.sub(lambda token: _coded(token[0][0]) + token[0][1:], text[0]), text)


def _coded(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"


def _json(value: Any) -> str:
    # A mark inside a value would end the call early for a reader that looks for it; JSON has a second way to write it.
    text = _encode(value)
    return _MARK.sub(lambda found: _coded(found[0]), text) if _MARK.search(text) else text


def _hermes(calls: Sequence[Call]) -> str:
    return "\n".join(OPEN + _json({"name": c.name, "arguments": c.arguments}) + CLOSE for c in calls)


def _hermes_lines(calls: Sequence[Call]) -> str:
    return "\n".join(f"{OPEN}\n{_json({'name': c.name, 'arguments': c.arguments})}\n{CLOSE}" for c in calls)


def _list(calls: Sequence[Call]) -> str:
    return _json([{"name": c.name, "arguments": c.arguments} for c in calls])


def _llama3(calls: Sequence[Call]) -> str:
    # An object under `parameters` that looks like a schema would be read as a tool's definition.
    keys = ["arguments" if is_definition({"parameters": c.arguments}) else "parameters" for c in calls]
    return "; ".join(_json({"name": c.name, key: c.arguments}) for c, key in zip(calls, keys, strict=True))


def _mistral(calls: Sequence[Call]) -> str:
    return f"{TOOL_CALLS} {_list(calls)}"


def _mistral_args(calls: Sequence[Call]) -> str:
    if all(_bare_key.fullmatch(call.name) for call in calls):
        return "".join(f"{TOOL_CALLS}{c.name}{ARGS}{_json(c.arguments)}" for c in calls)
    return _mistral(calls)


def _brackets(calls: Sequence[Call]) -> str:
    return f"[{', '.join(_called(call, _bare_name) for call in calls)}]"


def _python_list(calls: Sequence[Call]) -> str:
    return f"[{', '.join(_called(call, _identifier) for call in calls)}]"


def _python(calls: Sequence[Call]) -> str:
    return "\n".join(_called(call, _identifier) for call in calls)


def _called(call: Call, bare: re.Pattern[str]) -> str:
    key_pattern = _bare_key if bare is _bare_name else _identifier
    named = [f"{k}={_literal(v)}" for k, v in call.arguments.items() if key_pattern.fullmatch(k)]
    odd = {k: v for k, v in call.arguments.items() if not key_pattern.fullmatch(k)}
    name = call.name if bare.fullmatch(call.name) else _json(call.name)
    return f"{name}({', '.join([*named, *([f'**{_literal(odd)}'] if odd else [])])})"


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(key)}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return _json(value)


SYNTAXES: dict[str, Callable[[Sequence[Call]], str]] = {
    "hermes": _hermes, "hermes-lines": _hermes_lines, "json": _list, "llama3": _llama3, "mistral": _mistral,
    "mistral-args": _mistral_args, "brackets": _brackets, "python": _python, "python-list": _python_list,
}  # fmt: skip
"""How calls are written, by name; the reader takes all of them. `hermes-lines` puts the tags on lines of their own."""
