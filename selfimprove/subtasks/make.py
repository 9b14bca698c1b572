"""Make: a query -> the tools that could answer it, one JSON definition a line (ToolACE-DEV's tool generation)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from selfimprove.records import Message, Row, Tool
from selfimprove.records.sound import is_sound
from selfimprove.subtasks.prompt import turn
from selfimprove.tools.schema_rules import problems

MAX_TOOLS = 8


def prompt(query: str) -> tuple[Message, ...]:
    return turn("make", query)


def definition(tool: Tool) -> str:
    """A definition as the model is trained to write it: without the keywords that only our own drawing reads."""
    return json.dumps(_shown(tool.model_dump(mode="json")), ensure_ascii=False)


def row(query: str, tools: Sequence[Tool], origin: str, id_: str) -> Row:
    target = "\n".join(definition(tool) for tool in tools)
    return Row(id=f"make/{id_}", subtask="make", messages=prompt(query), target=target, origin=origin)


def parse(text: str) -> tuple[list[Tool], str | None]:
    """(tools, reason): reasons are empty, bad-json, no-definition, definition-<rule>, repeated, too-many."""
    tools: list[Tool] = []
    for line in (line.strip() for line in text.strip().split("\n")):
        if not line:
            continue
        tool = parse_definition(line)
        if isinstance(tool, str):
            return [], tool
        if tool.name.casefold() in {t.name.casefold() for t in tools}:
            return [], "repeated"
        tools.append(tool)
    if len(tools) > MAX_TOOLS:
        return [], "too-many"
    return (tools, None) if tools else ([], "empty")


def parse_definition(text: str) -> Tool | str:
    """A tool, or the reason why the text is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "bad-json"
    if not is_sound(value):
        return "bad-json"
    if not isinstance(value, dict) or not isinstance(value.get("parameters"), dict):
        return "no-definition"
    try:
        tool = Tool.model_validate(value)
    except ValidationError:
        return "no-definition"
    found = problems(tool, made=True)
    return f"definition-{found[0]}" if found else tool


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _shown(v) for k, v in value.items() if k not in ("examples", "additionalProperties")}
    return [_shown(v) for v in value] if isinstance(value, list) else value
