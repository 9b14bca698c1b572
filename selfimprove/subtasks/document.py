"""Document: a tool's name and description -> its full definition (ToolACE-DEV's documentation adaption)."""

from __future__ import annotations

from selfimprove.records import Row, Tool
from selfimprove.subtasks.make import definition
from selfimprove.subtasks.prompt import turn


def row(tool: Tool, origin: str) -> Row:
    messages = turn("document", f"{tool.name}: {tool.description}")
    return Row(id=f"document/{tool.key}", subtask="document", messages=messages, target=definition(tool), origin=origin)
