"""One training row: a prompt as messages and tools, and the one answer whose tokens carry the loss."""

from __future__ import annotations

from typing import Literal

from selfimprove.records.base import Record
from selfimprove.records.message import Message
from selfimprove.records.tool import Tool

Subtask = Literal["document", "make", "use", "request", "refine", "abstain"]


class Row(Record):
    id: str
    subtask: Subtask
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    target: str
    """The assistant's text, without the end-of-turn token: the trainer adds and supervises it."""
    kind: str = ""
    """Call kind (single, parallel, ...) for `use` and `abstain` rows."""
    origin: str = ""
    """Where the row came from: seed, replay, curriculum, request, make, ..."""
