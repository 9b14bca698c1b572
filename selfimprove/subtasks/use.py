"""Use: a query and tools -> calls, or an abstention. The one subtask that users see."""

from __future__ import annotations

from selfimprove.chat import write
from selfimprove.records import Answer, Message, Row, Sample
from selfimprove.subtasks.prompt import system, turn


def prompt(sample: Sample) -> tuple[Message, ...]:
    return turn("use", sample.query)


def with_instruction(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Messages of an item behind the instruction of this subtask; a system message of the item's own follows it in the same turn.

    `with_instruction((user,)) == prompt(sample)` for the query of a sample: what is measured is what is trained.
    """
    first = system("use")
    if messages and messages[0].role == "system":
        first = Message(role="system", content=f"{first.content}\n\n{messages[0].content}")
        messages = messages[1:]
    return (first, *messages)


def row(sample: Sample, answer: Answer, origin: str) -> Row:
    return Row(
        id=f"use/{sample.id}", subtask="abstain" if answer.abstain else "use", messages=prompt(sample), tools=sample.tools,
        target=write(answer), kind=sample.kind, origin=origin,
    )  # fmt: skip
