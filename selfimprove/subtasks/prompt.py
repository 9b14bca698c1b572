"""The system prompts, one file each in `prompts/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from selfimprove.records import Message


@cache
def system(subtask: str) -> Message:
    text = (Path(__file__).parent / "prompts" / f"{subtask}.jinja").read_text(encoding="utf-8")
    return Message(role="system", content=text.strip())


def turn(subtask: str, content: str) -> tuple[Message, ...]:
    return (system(subtask), Message(role="user", content=content))
