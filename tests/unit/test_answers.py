"""One reading of an answer for the CLI, a round and a score: what one of them refuses, no other counts as right."""

from __future__ import annotations

import json

import pytest

from selfimprove.evaluate.score import score
from selfimprove.generate.stage import read_attempts
from selfimprove.records import Answer, Call, Completion, Sample, SuiteItem, Tool
from selfimprove.verify.case import of_attempt
from selfimprove.verify.layers import RULES, judge
from selfimprove.verify.row import verify_row

WEATHER = Tool(
    name="get_weather", description="Weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string", "description": "The city."}}, "required": ["city"]},
)  # fmt: skip
QUERY = "How is the weather in Oslo?"
RIGHT = '{"name": "get_weather", "arguments": {"city": "Oslo"}}'
TAGGED = f"<tool_call>{RIGHT}</tool_call>"


def completion(text: str, request: str) -> Completion:
    return Completion(request=request, index=0, text=text, finish="stop", prompt_tokens=1)


def read_by_all(text: str, answer: Answer) -> tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]], str]:
    """(status, reasons) of the CLI and of a round, and why a score says that it is wrong."""
    row = verify_row({"id": 1, "query": QUERY, "tools": [json.loads(WEATHER.model_dump_json())], "candidate": text})
    sample = Sample(id="p", query=QUERY, tools=(WEATHER,))
    [attempt] = read_attempts([completion(text, "sample/p")], [sample])
    status, _, reasons = judge(of_attempt(sample, attempt), RULES)
    how = {"abstain": answer.abstain} if answer.abstain else {"admissible": [
        [{"name": c.name, "arguments": {n: {"values": [v]} for n, v in c.arguments.items()}} for c in answer.calls]
    ]}  # fmt: skip
    messages, tools = [{"role": "user", "content": QUERY}], [WEATHER.model_dump()]
    item = SuiteItem.model_validate({"id": "p", "category": "c", "messages": messages, "tools": tools, **how})
    scored = score(item, completion(text, "p"), "strict").reason
    return (row["verdict"], tuple(row["reasons"])), (status, reasons), scored


OSLO = Answer(calls=(Call(name="get_weather", arguments={"city": "Oslo"}),))


@pytest.mark.parametrize(
    ("text", "answer", "reason"),
    [
        (f"{TAGGED}\n{RIGHT.replace('Oslo', 'Rome')}", OSLO, "many-answers"),
        (RIGHT.replace('"city": "Oslo"', '"city": "Rome", "city": "Oslo"'), OSLO, "bad-json"),
        ("get_weather(city='Oslo')\nget_weather(ci", OSLO, "unclosed-call"),
        ("Okay! get_weather(ci", Answer(abstain="no_tool"), "bad-call"),
    ],
)
def test_an_answer_with_a_flaw_in_its_text_is_neither_accepted_trained_on_nor_scored(
    text: str, answer: Answer, reason: str
) -> None:
    assert read_by_all(text, answer) == (("rejected", (reason,)), ("rejected", (reason,)), reason)


def test_a_whole_answer_counts_everywhere() -> None:
    assert read_by_all(TAGGED, OSLO) == (("accepted", ()), ("accepted", ()), "")
