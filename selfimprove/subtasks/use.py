"""Use: a query and tools -> calls, or an abstention. The one subtask that users see.

    parse("[get_weather(city='Oslo')]", {"get_weather": tool}).answer.calls
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from selfimprove.chat import Parsed, write
from selfimprove.chat import parse as read
from selfimprove.chat.begun import begins_a_call, calls_in_prose, ends_in_a_call
from selfimprove.chat.twice import has_key_twice
from selfimprove.records import Answer, Call, Message, Row, Sample, Tool
from selfimprove.subtasks.prompt import system, turn
from selfimprove.subtasks.typed import typed
from selfimprove.tools.subschema import properties


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
    if parsed.raw:
        answer = _typed(answer, parsed.raw, tools)
        parsed = parsed._replace(answer=answer, raw=())
    problem = _flaw(text, parsed, answer, tools)
    return parsed._replace(answer=None, problem=problem) if problem else parsed


def _typed(answer: Answer, raw: Collection[int], tools: Mapping[str, Tool]) -> Answer:
    """The values of calls that were written as plain text, as their tools' schemas want them."""
    calls = list(answer.calls)
    for number in raw:
        call = calls[number]
        if call.name in tools:
            calls[number] = Call(name=call.name, arguments=typed(call.arguments, tools[call.name].parameters))
    return Answer(calls=tuple(calls))


def _flaw(text: str, parsed: Parsed, answer: Answer, tools: Mapping[str, Tool]) -> str | None:
    if not answer.calls:
        names = [properties(tool.parameters).keys() for tool in tools.values()] if parsed.data else []
        only_arguments = any(value and value.keys() <= one for value in parsed.data for one in names)
        return "bad-call" if only_arguments or begins_a_call(text, tools) else None
    if parsed.skipped and ends_in_a_call(text, parsed.skipped, tools):
        return "unclosed-call"
    if has_key_twice(text, answer.calls):
        return "bad-json"
    others = (*parsed.beside, *calls_in_prose(parsed.said, tools))
    if any(call not in answer.calls for call in others) or any(_is_another(one, answer.calls, tools) for one in parsed.data):
        return "many-answers"
    return None


def _is_another(value: dict[str, Any], calls: Collection[Call], tools: Mapping[str, Tool]) -> bool:
    """Whether an object beside the calls gives a tool other arguments: `{"f": {"x": 2}}`, or `{"x": 2}` of the tool that is
    called."""
    if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict) and next(iter(value)) in tools:
        return not any(_is_part(inner, call) for call in calls if call.name in value)
    named = [properties(tools[call.name].parameters).keys() for call in calls if call.name in tools]
    return bool(value) and any(value.keys() <= one for one in named) and not any(_is_part(value, call) for call in calls)


def _is_part(value: dict[str, Any], call: Call) -> bool:
    return all(name in call.arguments and call.arguments[name] == one for name, one in value.items())
