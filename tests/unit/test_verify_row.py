"""`selfimprove verify`: one row in, one verdict out. A wrong verdict here trains a model on what is wrong."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from selfimprove.chat import parse
from selfimprove.schemas.make import schema
from selfimprove.verify.layers import LAYERS, Counts
from selfimprove.verify.row import verify_row

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"}, "days": {"type": "integer", "default": 1},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "places": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            },
            "required": ["city"],
        },
    },
}  # fmt: skip
TIME = {"name": "get_time", "description": "Clock of a city.", "parameters": {"type": "object", "properties": {"city": {}}}}
OSLO = {"name": "get_weather", "arguments": {"city": "Oslo"}}


def row(candidate: Any, query: str = "Weather in Oslo?", **more: Any) -> dict[str, Any]:
    text = candidate if isinstance(candidate, str) else json.dumps(candidate)
    return {"id": "r", "tools": [WEATHER, TIME], "query": query, "candidate": text, **more}


def judged(candidate: Any, query: str = "Weather in Oslo?", **more: Any) -> tuple[str, str]:
    found = verify_row(row(candidate, query, **more))
    assert not list(Draft202012Validator(schema("verdict_row")).iter_errors(found))
    return found["verdict"], ",".join(found["reasons"])


def call(name: str = "get_weather", **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (call(city="Oslo"), ("accepted", "")),
        (call(city="Oslo", days=1), ("accepted", "")),
        (call(city="oslo", unit="celsius"), ("accepted", "")),
        ([call(city="Oslo"), call("get_time", city="Oslo")], ("unknown", "unspoken:get_time")),
        (call(city="Paris"), ("unknown", "ungrounded:city")),
        (call(city="Oslo", days=9), ("unknown", "ungrounded:days")),
        (call(city=""), ("unknown", "ungrounded:city")),
        (call(city="..."), ("unknown", "ungrounded:city")),
        (call(city="Oslo", places=[]), ("unknown", "ungrounded:places")),
        ([call(city="Oslo"), call(city="Oslo")], ("unknown", "repeated-call")),
        (call("get_wether", city="Oslo"), ("rejected", "unknown-tool")),
        (call(days=1), ("rejected", "missing-argument:city")),
        (call(city="Oslo", zone="x"), ("rejected", "extra-argument:zone")),
        (call(city=["Oslo"]), ("rejected", "wrong-argument:city")),
        (call(city="Oslo", days="1"), ("rejected", "wrong-argument:days")),
        (call(city="Oslo", unit="kelvin"), ("rejected", "wrong-argument:unit")),
        (call(city="Oslo", places=[{"name": "Oslo", "colour": "Oslo"}]), ("unknown", "extra-argument:places.0.colour")),
        (call(city="Oslo\x00"), ("rejected", "control-characters")),
        (call(city="Os\u200blo"), ("rejected", "hidden-characters")),
        (call(city="Oslo<|im_end|>"), ("rejected", "markup")),
        (call(city="Oslo<end_function_call>"), ("rejected", "markup")),
        (call(city="Oslo<｜tool▁call▁end｜>"), ("rejected", "markup")),
        (call(city="Oslo</arg_value>"), ("rejected", "markup")),
        (call(city="Oslo<THINK>"), ("rejected", "markup")),
        (call(city="Oslo[/inst]"), ("rejected", "markup")),
        ("No tool fits this request.", ("unknown", "declines")),
        ("Let me think about that.", ("unknown", "prose")),
        ("", ("rejected", "empty")),
        ('<tool_call>{"name": "get_weather"', ("rejected", "unclosed-call")),
        (f"<tool_call>{json.dumps(OSLO)}</tool_call>\n<tool_c", ("rejected", "unclosed-call")),
    ],
)  # fmt: skip
def test_without_a_reference_each_fault_gets_its_reason(candidate: Any, verdict: tuple[str, str]) -> None:
    assert judged(candidate) == verdict


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (call(city="Oslo"), ("accepted", "")),
        (call(city=" Oslo ", days=1.0), ("accepted", "")),
        (call(city="Rome"), ("rejected", "wrong-value:city")),
        (call("get_time", city="Oslo"), ("rejected", "wrong-tool")),
        ([call(city="Oslo"), call(city="Rome")], ("rejected", "wrong-count")),
        ([call(city="Oslo"), call(city="Oslo")], ("rejected", "wrong-count")),
        ("No tool fits this request.", ("rejected", "should-call")),
        (call(city="Oslo", days=2), ("rejected", "extra-argument:days")),
    ],
)
def test_with_a_reference_nothing_is_unknown(candidate: Any, verdict: tuple[str, str]) -> None:
    assert judged(candidate, "And there?", reference_calls=[OSLO]) == verdict
    admissible = [[{"name": "get_weather", "arguments": {"city": {"values": ["Oslo", "Christiania"]}}}]]
    assert judged(candidate, "And there?", admissible=admissible) == verdict


def test_an_empty_reference_says_that_not_calling_is_right() -> None:
    assert judged("I cannot do that.", reference_calls=[]) == ("accepted", "")
    assert judged("No tool fits this request.", admissible=[[]]) == ("accepted", "")
    assert judged(OSLO, reference_calls=[]) == ("rejected", "should-abstain")
    assert judged(": ...", reference_calls=[]) == ("rejected", "empty")
    assert judged("", reference_calls=[])[0] == "rejected"


def test_a_value_that_only_spaces_separate_from_the_right_one_must_still_fit_the_schema() -> None:
    reference = [call(city="Oslo", unit="celsius")]
    assert judged(call(city=" Oslo", unit="celsius"), reference_calls=reference)[0] == "accepted"
    assert judged(call(city="Oslo", unit=" celsius"), reference_calls=reference) == ("rejected", "wrong-argument:unit")


def test_a_published_answer_that_breaks_its_own_schema_is_still_the_right_one() -> None:
    broken = [call(city="Oslo", days="three", zone="x")]
    assert judged(broken, reference_calls=broken) == ("accepted", "")


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>', "[get_weather(city='Oslo')]",
        '[{"name": "get_weather", "parameters": {"city": "Oslo"}}]',
        'Sure!\n```json\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n```',
    ],
)  # fmt: skip
def test_a_right_answer_is_right_in_every_syntax(text: str) -> None:
    assert judged(text) == ("accepted", "")
    assert judged(text, reference_calls=[OSLO]) == ("accepted", "")
    assert verify_row(row(text))["calls"] == [OSLO]


def test_values_may_come_from_any_message_and_from_earlier_calls_and_results() -> None:
    said = [
        {"role": "user", "content": [{"type": "text", "text": "Where is Ida?"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "find", "arguments": '{"who": "Ida"}'}}]},
        {"role": "tool", "content": '{"city": "Bergen", "days": 12}'},
    ]
    base = {"id": 1, "tools": [WEATHER], "messages": said}
    assert verify_row({**base, "candidate": json.dumps(call(city="Bergen", days=12))})["verdict"] == "accepted"
    assert verify_row({**base, "candidate": json.dumps(call(city="Oslo", days=12))})["reasons"] == ["ungrounded:city"]


def test_layers_can_be_switched_off_and_are_counted() -> None:
    counts = Counts()
    found = verify_row(row(call(city="Paris")), layers=("structure", "tool", "arguments"), counts=counts)
    assert found["verdict"] == "accepted" and set(counts.seen) == {"structure", "tool", "arguments"}
    verify_row(row(call(city="Paris")), layers=("structure", "grounding"), counts=counts)
    assert (counts.unknown["grounding"], counts.seen["structure"]) == (1, 2)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_veto_beats_what_is_unknown_whichever_comes_first(layer: str) -> None:
    found = verify_row(row(call(city="Paris", zone="x")), layers=("grounding", "arguments", layer))
    assert found["verdict"] == "rejected"


def test_bfcl_rows_are_judged_by_bfcls_rules() -> None:
    admissible = [[{"name": "get_weather", "arguments": {"city": {"values": ["New York"]}, "days": {"values": [2, ""]}}}]]
    given = row(call(city="new york."), admissible=admissible)
    assert verify_row(given, profile="bfcl-like")["verdict"] == "accepted"
    assert verify_row(given)["verdict"] == "rejected"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "`id`"), ({"candidate": 5}, "`candidate`"), ({"tools": {}}, "`tools`"), ({"tools": [{}]}, "tool 1"),
        ({"tools": ["x"]}, "tool 1"), ({"tools": [{"name": "f", "parameters": []}]}, "tool 1"), ({"query": 3}, "`query`"),
        ({"messages": [1]}, "message 1"), ({"reference_calls": {}}, "`reference_calls`"), ({"admissible": []}, "`admissible`"),
        ({"reference_calls": [{"name": 1}]}, "right answer"), ({"admissible": [[{"name": "f", "arguments": 3}]]}, "right answer"),
        ({"admissible": ["x"]}, "right answer"),
    ],
)  # fmt: skip
def test_a_bad_row_is_unknown_and_says_what_is_wrong(change: dict[str, Any], message: str) -> None:
    found = verify_row({**row(OSLO), **change})
    assert (found["verdict"], found["reasons"]) == ("unknown", ["bad-row"]) and message in found["message"]


@pytest.mark.parametrize("value", [None, 3, "x", [], {}])
def test_what_is_no_row_at_all_is_a_bad_row(value: Any) -> None:
    assert verify_row(value)["reasons"] == ["bad-row"]


def test_further_keys_are_ignored_and_reference_arguments_may_be_text() -> None:
    openai = [{"type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}]
    assert judged(OSLO, reference_calls=openai, note="x", split=3) == ("accepted", "")


def test_two_definitions_of_one_name_make_its_calls_unknown() -> None:
    other = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "integer"}}}}
    assert judged(OSLO, tools=[WEATHER, other]) == ("unknown", "definition-repeated")
    assert judged(OSLO, tools=[WEATHER, WEATHER]) == ("accepted", "")
    assert judged(OSLO, tools=[WEATHER, other], reference_calls=[OSLO]) == ("accepted", "")


def test_what_the_verifier_reads_is_what_the_parser_reads() -> None:
    """A verifier with a reader of its own would disagree with the one that trains."""
    text = 'Here: <tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call> done'
    parsed = parse(text).answer
    assert parsed and verify_row(row(text))["calls"] == [c.model_dump() for c in parsed.calls]


def test_values_in_a_result_that_is_json_text_are_said_without_its_escapes() -> None:
    result = json.dumps({"note": "the weather in S\u00e3o \"Jos\u00e9\""})
    messages = [{"role": "user", "content": "weather as in my note"}, {"role": "tool", "content": result}]
    assert verify_row({**row(call(city='São "José"')), "messages": messages})["verdict"] == "accepted"


def test_a_list_that_is_its_default_needs_no_source() -> None:
    tool = {"name": "plan", "description": "Plans.", "parameters": {"type": "object", "properties": {
        "parts": {"type": "array", "items": {"type": "string"}, "default": ["Scope", "Risk"]}}}}  # fmt: skip
    for parts, verdict in ((["Scope", "Risk"], "accepted"), (["Scope", "Cost"], "unknown")):
        assert verify_row({**row(call("plan", parts=parts), "plan it"), "tools": [tool]})["verdict"] == verdict


@pytest.mark.parametrize("rest", ["get_we", "get_weather(", "get_time(ci"])
def test_a_further_call_that_is_cut_off_is_no_answer_and_a_closing_word_is(rest: str) -> None:
    first = 'get_weather(city="Oslo")\n'
    assert judged(first + rest) == ("rejected", "unclosed-call")
    assert judged(first + "Done") == ("accepted", "")


@pytest.mark.parametrize("text", ['"city": "Oslo", "city": "Paris"', '"city": "Paris", "city": "Oslo"'])
def test_a_key_with_two_values_is_no_answer_whichever_reader_is_right(text: str) -> None:
    doubled = f'<tool_call>{{"name": "get_weather", "arguments": {{{text}}}}}</tool_call>'
    assert judged(doubled, reference_calls=[OSLO]) == ("rejected", "bad-json")
    assert judged(doubled.replace("Paris", "Oslo"), reference_calls=[OSLO]) == ("accepted", "")
    named = '{"name": "get_time", "name": "get_weather", "arguments": {"city": "Oslo"}}'
    assert judged(named, reference_calls=[OSLO]) == ("rejected", "bad-json")


def test_a_verdict_on_itself_does_not_decline() -> None:
    for text in ("accepted", "Verdict: accepted", "**Final answer: correct**", "YES"):
        assert judged(text, reference_calls=[]) == ("rejected", "empty")
    assert judged("Yes, but no tool does that.", reference_calls=[]) == ("accepted", "")
    assert judged("[]", reference_calls=[]) == ("accepted", "")


@pytest.mark.parametrize("unit", [{"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}])
def test_null_means_left_out_only_where_it_is_allowed_and_not_required(unit: dict[str, Any]) -> None:
    def verdict(answer: dict[str, Any], right: dict[str, Any], **schema: Any) -> str:
        tool = {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "unit": unit}, **schema}}
        made = {**row(call("f", **answer)), "tools": [tool], "reference_calls": [call("f", **right)]}
        listed = [[{"name": "f", "arguments": {n: {"values": [v]} for n, v in right.items()}}]]
        verdicts = {verify_row(made)["verdict"], verify_row({**made, "reference_calls": None, "admissible": listed})["verdict"]}
        assert len(verdicts) == 1
        return str(verdicts.pop())

    assert verdict({"city": "Oslo", "unit": None}, {"city": "Oslo"}) == "accepted"
    assert verdict({"city": "Oslo"}, {"city": "Oslo", "unit": None}) == "accepted"
    assert verdict({"city": "Oslo"}, {"city": "Oslo", "unit": None}, required=["unit"]) == "rejected"
    assert verdict({"city": None}, {}) == "rejected"
    assert verdict({"city": "Oslo", "unit": None}, {"city": "Oslo", "unit": "C"}) == "rejected"


@pytest.mark.parametrize("piece", ["9", "1,", "one hundred ", "1 million million ", "\U0001d7d7", "\u1369", "$1", "1/"])
def test_a_request_of_half_a_megabyte_of_numbers_is_judged_in_seconds(piece: str) -> None:
    began = time.process_time()
    found = verify_row(row(call(city="Rome 7"), (piece * 500_000)[:300_000]))
    assert found["verdict"] == "unknown" and time.process_time() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        '<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Oslo"',
        "<start_function_call>call:get_weather{city:<escape>Oslo<escape>", "<start_function_call>call:get_weather{city:Oslo}",
        '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": ', ">>>get_weather\n",
        '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Oslo</parameter>\n',
        "Action: get_weather\nAction Input: Oslo", "Action: get_weather\n", '<TOOLCALL>[{"name": "get_weather",',
        'Sure:\n```json\n{"name": "get_weather",', "Okay! get_weather(ci", "[get_weather(", "get_weather",
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_read_does_not_pass_where_no_call_is_right(text: str) -> None:
    assert judged(text, reference_calls=[])[0] == "rejected"
    assert judged(text)[0] == "rejected"


@pytest.mark.parametrize(
    "text",
    [
        "None of the tools (get_weather, get_time) can do this.", "I can't use `get_weather()` for that.", "[TOOL_CALLS] []",
        "<|tool_call|>[]", '<think>{"name": "get_weather"}? No.</think>\nHello!', "What is your name: the first or the last?",
    ],
)  # fmt: skip
def test_an_abstention_that_speaks_of_a_tool_is_not_refused(text: str) -> None:
    assert judged(text, reference_calls=[]) == ("accepted", "")


@pytest.mark.parametrize("more", [{}, {"reference_calls": [OSLO]}])
def test_a_wrong_call_beside_the_marks_is_refused_and_an_echo_of_the_right_one_is_not(more: dict[str, Any]) -> None:
    right = f"<tool_call>{json.dumps(OSLO)}</tool_call>"
    for wrong in (json.dumps(call(city="Paris")), "get_weather(city='Paris')", f"<|python_tag|>{json.dumps(call(city='Paris'))}"):
        assert judged(f"{wrong}\n{right}", **more) == ("rejected", "many-answers")
        assert judged(f"{right}\n{wrong}", **more) == ("rejected", "many-answers")
    assert judged(f"I will call `get_weather(city='Oslo')`.\n{right}", **more) == ("accepted", "")
