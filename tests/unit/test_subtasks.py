"""What the model is asked and trained to say, and why a text that it wrote cannot be used."""

from __future__ import annotations

import pytest

from selfimprove.chat import parse
from selfimprove.config.model import Data
from selfimprove.records import Answer, Call, Sample, Tool
from selfimprove.subtasks import document, make, request, use
from selfimprove.tools.data import load_data

WEATHER = Tool(
    name="get_weather", description="Weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string", "examples": ["Oslo"]}, "days": {"type": "integer"}}},
)  # fmt: skip
LINE = make.definition(WEATHER)
CALL = Call(name="get_weather", arguments={"city": "Oslo", "days": 3})


def test_a_list_that_is_trained_is_a_list_that_can_be_read() -> None:
    for entry in list(load_data(Data()).pool.entries.values()):
        tools, problem = make.parse(make.row("q", [entry.tool], "seed", "1").target)
        assert problem is None and tools[0].name == entry.tool.name, (entry.tool.name, problem)


def test_examples_are_never_trained() -> None:
    assert "Oslo" not in LINE and "additionalProperties" not in LINE
    assert "Oslo" not in document.row(WEATHER, "seed").target


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"), ("\n\n", "empty"), ("here you go", "bad-json"), (LINE[:-3], "bad-json"), (LINE + "\n{", "bad-json"),
        ('{"name": "f"}', "no-definition"), ("[]", "no-definition"), ('{"parameters": {}}', "no-definition"),
        (LINE + "\n" + LINE.replace("get_weather", "GET_WEATHER"), "repeated"),
        ("\n".join(LINE.replace("get_weather", f"f{n}") for n in range(9)), "too-many"),
        ('{"name": "f", "description": "Does it.", "parameters": {"type": "strin"}}', "definition-no-schema"),
        ('{"name": "f", "description": "Does.", "parameters": {"type": "object"}}', "definition-undescribed"),
        ('{"name": "f", "description": "Does it.", "parameters": {"properties": {"x": {"default": NaN}}}}', "bad-json"),
        ('{"name": "f", "description": "Does it.", "parameters": {"properties": {"x": {"$ref": "#/no"}}}}', "definition-bad-ref"),
    ],
)  # fmt: skip
def test_a_tool_list_that_cannot_be_used_says_why(text: str, reason: str) -> None:
    assert make.parse(text) == ([], reason)


def test_a_good_list_is_taken_with_blank_lines_between() -> None:
    tools, reason = make.parse(f"\n{LINE}\n\n{LINE.replace('get_weather', 'g')}\n")
    assert reason is None and [t.name for t in tools] == ["get_weather", "g"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("What will it be like in Oslo for 3 days?", None), ("Oslo 3", "empty"), ("x " * 300, "long"),
        ("Weather in Oslo\nfor 3 days", "long"), ('{"city": "Oslo", "days": 3} is it', "markup"),
        ("<tool_call> Oslo 3 days", "markup"), ("Please get_weather for Oslo, 3 days", "leaks-name"),
        ("What will it be like for 3 days?", "value-missing"), ("What about Oslo for four days?", "value-missing"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_used_says_why(text: str, reason: str | None) -> None:
    assert request.problem(text, CALL, WEATHER) == reason


def test_a_request_must_not_say_the_value_that_was_left_out() -> None:
    rest, left_out = Call(name="get_weather", arguments={"days": 3}), Call(name="get_weather", arguments={"city": "Oslo"})
    assert request.problem("What will it be like in Oslo for 3 days?", rest, WEATHER, left_out) == "value-given"
    assert request.problem("What will it be like for 3 days?", rest, WEATHER, left_out) is None


def test_the_answer_that_is_trained_is_the_answer_that_is_read() -> None:
    for sample in load_data(Data()).bootstrap:
        assert sample.answer is not None
        row = use.row(sample, sample.answer, "seed")
        assert parse(row.target).answer == sample.answer
        assert row.subtask == ("abstain" if sample.answer.abstain else "use")
        assert row.messages == use.prompt(sample) and row.tools == sample.tools


def test_a_request_is_asked_with_what_the_tool_does_and_the_values() -> None:
    call = Call(name="get_weather", arguments={"city": "Zürich", "tags": ["a", None]})
    system, user = request.prompt(call, WEATHER)
    assert user.content == 'Weather in a city.\ncity: Zürich\ntags: ["a", null]'
    assert system.role == "system" and system.content
    assert request.row(call, WEATHER, "q", "seed", "1").messages == request.prompt(call, WEATHER)


def test_each_subtask_has_a_prompt_of_its_own() -> None:
    sample = Sample(id="a", query="q", answer=Answer())
    systems = {use.prompt(sample)[0].content, make.prompt("q")[0].content, request.prompt(CALL, WEATHER)[0].content,
               document.row(WEATHER, "seed").messages[0].content}  # fmt: skip
    assert len(systems) == 4
