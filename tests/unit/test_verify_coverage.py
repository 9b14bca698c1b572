"""What a request names must be used, a value said once serves once: the mistakes that weak models make with said values."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.records import Answer, Attempt, Sample, Tool
from selfimprove.tools.mentions import LONGEST, Mentions, mentions
from selfimprove.verify.case import of_attempt
from selfimprove.verify.layers import RULES, judge
from selfimprove.verify.row import verify_row


def tool(name: str, description: str, required: list[str] | None = None, **parameters: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": parameters, "required": list(parameters) if required is None else required}
    return {"name": name, "description": description, "parameters": schema}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
TRAFFIC = tool("traffic", "Traffic on a road.", road=TEXT)
SEND = tool("send", "Send an email.", recipient=TEXT, text=TEXT)
RENAME = tool("rename", "Give a file a new name.", file=TEXT, new_name=TEXT)
RECTANGLE = tool("rectangle", "Area of a rectangle.", width=NUMBER, height=NUMBER)
SORT = tool("sort_numbers", "Sort numbers.", numbers={"type": "array", "items": NUMBER})
ALARM = tool("set_alarm", "Set an alarm.", time={"type": "string", "description": "HH:MM"})
WEEKDAY = tool("get_weekday", "Day of the week of a date.", date={"type": "string", "format": "date"})
PRICE = tool("price", "Price of a product.", product=TEXT)
STEPS = tool("set_volume", "Volume in steps of 10.", level=NUMBER)
CAPITAL = tool("get_capital", "Capital of a country.", country=TEXT)
VOLUME = tool("set_volume", "Set the volume.", required=["level"], level=NUMBER, fade={"type": "boolean", "default": False})


def judged(query: str, calls: str, *tools: dict[str, Any], **more: Any) -> tuple[str, list[str]]:
    row = {"id": 1, "tools": list(tools), "candidate": calls, **({"query": query} if query else {}), **more}
    found = verify_row(row)
    return found["verdict"], found["reasons"]


@pytest.mark.parametrize(
    ("query", "calls", "tools", "reasons"),
    [
        ("See how busy Ring Road is, then Route 9.", "[traffic(road='Ring Road')]", (TRAFFIC,), ["unused:9", "unused:route"]),
        ("How is Ring Road and how Route 9?", "[traffic(road='Route 9')]", (TRAFFIC,), ["unused:ring road"]),
        ('Email Ida "running late" now', "[send(recipient='Ida', text='email')]", (SEND,), ["unused:running late"]),
        ("Rename budget.xlsx to final.pdf", "[rename(file='final.pdf', new_name='final')]", (RENAME,), ["unused:budgetxlsx"]),
        ("Areas: 22 by 6.1 and 3.6 by 27?", "[rectangle(width=22, height=3.6)]", (RECTANGLE,), ["unused:27", "unused:6.1"]),
    ],
)
def test_an_answer_to_a_part_of_a_request_is_not_trained_on(
    query: str, calls: str, tools: tuple[dict[str, Any], ...], reasons: list[str]
) -> None:
    assert judged(query, calls, *tools) == ("unknown", reasons)


@pytest.mark.parametrize(
    ("query", "calls", "tools"),
    [
        ("See how busy Ring Road is, then Route 9.", "[traffic(road='Ring Road'), traffic(road='Route 9')]", (TRAFFIC,)),
        ('Email Ida "running late"', "[send(recipient='Ida', text='Running late')]", (SEND,)),
        ("Rename budget.xlsx to final.pdf", "[rename(file='budget.xlsx', new_name='final.pdf')]", (RENAME,)),
        ("Wake me at 7, please.", "[set_alarm(time='07:00')]", (ALARM,)),
        ("What is the capital of Fiji? I will fly there with Ida and Jonas in May and stay for a week or maybe two, we'll see.",
         "[get_capital(country='Fiji')]", (CAPITAL,)),
        ("What does the USB charger cost, in USD?", "[price(product='charger')]", (PRICE,)),
        ("Set the volume to 40 in 10 seconds", "[set_volume(level=40)]", (STEPS,)),
        ("sort 5, 5, 10 and 20", "[sort_numbers(numbers=[5, 5, 10, 20])]", (SORT,)),
    ],
)  # fmt: skip
def test_a_whole_answer_is_not_lost_to_what_is_said_besides(query: str, calls: str, tools: tuple[dict[str, Any], ...]) -> None:
    assert judged(query, calls, *tools) == ("accepted", [])


def test_what_earlier_turns_named_need_not_be_used_again() -> None:
    said = [{"role": "user", "content": "Weather on Route 9?"}, {"role": "assistant", "content": "Sunny."},
            {"role": "user", "content": "And the capital of Fiji?"}]  # fmt: skip
    assert judged("", "[get_capital(country='Fiji')]", CAPITAL, messages=said) == ("accepted", [])
    assert judged("", "[get_capital(country='Fiji')]", CAPITAL, messages=said[:1] + said[2:])[0] == "accepted"
    one = [{"role": "system", "content": "Route 9"}, {"role": "user", "content": "What is the capital of Fiji, and of Peru?"}]
    assert judged("", "[get_capital(country='Fiji')]", CAPITAL, messages=one) == ("unknown", ["unused:peru"])


def test_coverage_can_be_switched_off() -> None:
    row = {"id": 1, "tools": [TRAFFIC], "query": "How is Ring Road and how Route 9?", "candidate": "[traffic(road='Route 9')]"}
    assert verify_row(row)["layer"] == "coverage"
    assert verify_row(row, layers=("structure", "tool", "arguments", "grounding"))["verdict"] == "accepted"


@pytest.mark.parametrize(
    ("query", "calls", "tools", "reason"),
    [
        ("A rectangle is 4.7 wide. Its area?", "[rectangle(width=4.7, height=4.7)]", (RECTANGLE,), "said-once:4 7"),
        ("What is the capital of the country we fly to?", "[get_capital(country='country')]", (CAPITAL,), "ungrounded:country"),
        ("set an alarm for my taxes", "[set_alarm(time='taxes')]", (ALARM,), "ungrounded:time"),
        ("which weekday is the 14 in Quito", "[get_weekday(date='14')]", (WEEKDAY,), "ungrounded:date"),
        ("volume to 40 percent", "[set_volume(level=40, fade=True)]", (VOLUME,), "ungrounded:fade"),
        ("budget.xlsx becomes final.pdf", "[rename(file='final.xlsx', new_name='final.pdf')]", (RENAME,), "ungrounded:file"),
        ("the weekday of 2024-02-29?", "[price(product='2024-02-29')]", (PRICE, WEEKDAY), "unspoken:price"),
    ],
)
def test_a_said_value_in_the_wrong_place_is_not_trained_on(
    query: str, calls: str, tools: tuple[dict[str, Any], ...], reason: str
) -> None:
    assert judged(query, calls, *tools) == ("unknown", [reason])


@pytest.mark.parametrize(
    ("query", "calls", "tools"),
    [
        ("A rectangle is 4.7 wide and 4.7 high. Its area?", "[rectangle(width=4.7, height=4.7)]", (RECTANGLE,)),
        ("what is the price of a product called product", "[price(product='product')]", (PRICE,)),
        ("volume to 40 percent and fade in", "[set_volume(level=40, fade=True)]", (VOLUME,)),
        ("volume to 40 percent", "[set_volume(level=40, fade=False)]", (VOLUME,)),
        ("the weekday of 2024-02-29?", "[get_weekday(date='2024-02-29')]", (PRICE, WEEKDAY)),
        ("what does the alarm clock cost", "[price(product='alarm clock')]", (PRICE, ALARM)),
        ("07:30 alarm, 2024-02-29 weekday", "[set_alarm(time='07:30'), get_weekday(date='2024-02-29')]", (ALARM, WEEKDAY)),
    ],
)
def test_a_said_value_in_its_place_is_accepted(query: str, calls: str, tools: tuple[dict[str, Any], ...]) -> None:
    assert judged(query, calls, *tools) == ("accepted", [])


def test_what_a_request_names_is_read_by_kind() -> None:
    found = mentions('Move song.mp3 to "Old Music" for Ida Vale at 2.5 or 1,000, not as URL.')
    assert found[:4] == (("old music",), ("songmp3",), (2.5, 1000.0), ("ida vale",))
    assert found.texts == (" old music ", " ida vale ", " 2 5 ", " 1 000 ", " url ", " song mp3 ")
    assert mentions("x" * LONGEST + " Ida Vale 7") == Mentions()


@pytest.mark.parametrize(
    ("query", "verdict"),
    [("Is there much traffic?", ("unknown", "coverage", ("unused-tool:get_traffic",))), ("Play a song.", ("accepted", "", ()))],
)
def test_a_vote_that_finds_no_tool_where_one_is_spoken_of_is_not_trained_on(query: str, verdict: tuple[Any, ...]) -> None:
    sample = Sample(id="p", query=query, tools=(Tool.model_validate({**TRAFFIC, "name": "get_traffic"}),))
    attempt = Attempt(sample="p", index=0, text="No tool fits.", answer=Answer(abstain="no_tool"))
    assert judge(of_attempt(sample, attempt), RULES) == verdict
