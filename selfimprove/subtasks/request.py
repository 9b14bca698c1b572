"""Request: a call -> what a user says to get it. Call to request is easier than request to call, and the call is gold.

The strongest teacher-free signal there is: the call was drawn from the tool's schema and executed, so it cannot be wrong;
the text is kept only when every value of the call can be found in it and no tool name leaks.
"""

from __future__ import annotations

import json
import re
from typing import Any

from selfimprove.records import Call, Message, Row, Tool
from selfimprove.subtasks.prompt import turn
from selfimprove.tools.grounding import ungrounded

MAX_CHARACTERS = 400
_declines = re.compile(r"[\"']?(no|none|missing|cannot|can't|not)\b", re.IGNORECASE)
"""How abstentions begin: what the model has learned to say for another subtask leaks into this one."""
_markup = re.compile(r"[{}<>]|\"\w+\":|</?tool_call")


def prompt(call: Call, tool: Tool) -> tuple[Message, ...]:
    """What the tool does and the values, a line each. Shown the call's own JSON instead, a small model copies it."""
    lines = [tool.description, *(f"{name}: {_shown(value)}" for name, value in call.arguments.items())]
    return turn("request", "\n".join(lines))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def row(call: Call, tool: Tool, query: str, origin: str, id_: str) -> Row:
    return Row(id=f"request/{id_}", subtask="request", messages=prompt(call, tool), target=query, origin=origin)


def problem(text: str, call: Call, tool: Tool, left_out: Call | None = None) -> str | None:
    """Why a written request cannot be used: empty, long, markup, declines, leaks-name, value-missing, value-given.

    None when it can.
    `left_out` holds the arguments that the request must not give (a value was cut to make an abstention).
    """
    query = text.strip()
    if len(query.split()) < 3:
        return "empty"
    if len(query) > MAX_CHARACTERS or "\n" in query:
        return "long"
    if _markup.search(query):
        return "markup"
    if _declines.match(query):
        return "declines"
    if _leaks(query, tool.name):
        return "leaks-name"
    if ungrounded(call.arguments, tool.parameters, query):
        return "value-missing"
    if left_out and any(not ungrounded({n: v}, {}, query) for n, v in left_out.arguments.items()):
        return "value-given"
    return None


def _leaks(query: str, name: str) -> bool:
    """A name that no user would type: with an underscore, a dot or a capital inside."""
    return bool(re.search(r"[_.]|[a-z][A-Z]", name)) and name.casefold() in query.casefold()
