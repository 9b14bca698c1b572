"""Use: a query and tools -> calls, or an abstention. The one subtask that users see."""

from __future__ import annotations

from selfimprove.chat import write
from selfimprove.records import Answer, Message, Row, Sample
from selfimprove.subtasks.prompt import turn


def prompt(sample: Sample) -> tuple[Message, ...]:
    return turn("use", sample.query)


def row(sample: Sample, answer: Answer, origin: str) -> Row:
    return Row(
        id=f"use/{sample.id}", subtask="abstain" if answer.abstain else "use", messages=prompt(sample), tools=sample.tools,
        target=write(answer), kind=sample.kind, origin=origin,
    )  # fmt: skip
