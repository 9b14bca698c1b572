"""Use: a query and tools -> calls, or an abstention. The one subtask that users see.

    parse("[get_weather(city='Oslo')]", {"get_weather": tool}).answer.calls
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from selfimprove.chat import Parsed, write
from selfimprove.chat import parse as read
from selfimprove.chat.begun import begins_a_call, calls_in_data, calls_in_prose, ends_in_a_call
from selfimprove.chat.twice import has_key_twice
from selfimprove.records import Answer, Call, Message, Row, Sample, Tool
from selfimprove.subtasks.prompt import system, turn
from selfimprove.subtasks.typed import typed
from selfimprove.tools.canonical import canonical_object, is_same
from selfimprove.tools.subschema import properties
from selfimprove.tools.validation import Uncheckable, checker_of


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
        return "bad-call" if _is_only_arguments(text, parsed.data, tools) or begins_a_call(text, tools) else None
    if parsed.skipped and ends_in_a_call(text, parsed.skipped, tools):
        return "unclosed-call"
    if has_key_twice(text, answer.calls):
        return "bad-json"
    if any(call not in answer.calls for call in parsed.beside):
        return "many-answers"
    if len(answer.calls) > MOST_CALLS:
        return None
    others = calls_in_prose(_thought.sub("", parsed.said), tools) if parsed.said else []
    others += (call for value in parsed.data for call in calls_in_data(value, answer.calls, tools))
    return "many-answers" if any(_is_another(call, answer.calls, tools) for call in others) else None


MOST_CALLS = 64
"""Calls of one answer beside which others are looked for."""
_thought = re.compile(r"^\W{0,3}Thought:.*?(?=^\W{0,3}(?:Action|Final Answer):|\Z)", re.DOTALL | re.MULTILINE)
"""ReAct's, which considers what it does not do."""
_letters = re.compile(r"[^\W\d_]{3}")


def _is_only_arguments(text: str, data: Collection[Any], tools: Mapping[str, Tool]) -> bool:
    """Whether a text is an object of arguments for a tool and hardly anything else: a call that does not say of what."""
    if not data or _letters.search(text[: text.find("{")]) or _letters.search(text[text.rfind("}") :]):
        return False
    names = [properties(tool.parameters).keys() for tool in tools.values()]
    return any(isinstance(value, dict) and value and value.keys() <= one for value in data for one in names)


def _is_another(other: Call, calls: Collection[Call], tools: Mapping[str, Tool]) -> bool:
    """Whether a call beside the answer is none of its in another form, nor a part of one, nor an example that fits no tool."""
    parameters = tools[other.name].parameters
    given = canonical_object(other.arguments, parameters, parameters, "training")
    for call in calls:
        if call.name == other.name:
            own = canonical_object(call.arguments, parameters, parameters, "training")
            if all(name in own and is_same(own[name], value) for name, value in given.items()):
                return False
    try:
        problems = checker_of(parameters).errors(other.arguments)
    except Uncheckable:
        return True
    return all(problem.code == "missing-argument" for problem in problems)
