"""Use: a query and tools -> calls, or an abstention. The one subtask that users see.

    parse("[get_weather(city='Oslo')]", {"get_weather": tool}).answer.calls
"""

from __future__ import annotations

from collections.abc import Mapping

from selfimprove.chat import Parsed, write
from selfimprove.chat import parse as read
from selfimprove.chat.begun import begins_a_call, ends_in_a_call
from selfimprove.chat.twice import has_key_twice
from selfimprove.records import Answer, Message, Row, Sample, Tool
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


def parse(text: str, tools: Mapping[str, Tool]) -> Parsed:
    """What the offered tools (by name) make of a text: the parser's answer, or why the whole text is none. Verification, rounds
    and scores all read answers here, so what one of them refuses counts for none."""
    parsed = read(text)
    answer = parsed.answer
    if answer is None:
        return parsed
    problem = _flaw(text, parsed, answer, tools)
    return parsed._replace(answer=None, problem=problem) if problem else parsed


def _flaw(text: str, parsed: Parsed, answer: Answer, tools: Mapping[str, Tool]) -> str | None:
    if not answer.calls:
        return "bad-call" if begins_a_call(text, tools) else None
    if parsed.skipped and ends_in_a_call(text, parsed.skipped, tools):
        return "unclosed-call"
    if has_key_twice(text, answer.calls):
        return "bad-json"
    return "many-answers" if any(call not in answer.calls for call in parsed.beside) else None
