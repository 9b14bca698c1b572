"""Answers in the syntaxes of other model families: right ones are read, and a part of one never passes for the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks._syntaxes import RAW, UNMARKED, WRITERS
from selfimprove.chat import parse
from selfimprove.records import Tool
from selfimprove.subtasks import use
from selfimprove.verify.row import verify_row

OBJECT = {"type": "object", "properties": {"unit": {"type": "string"}, "depths": {"type": "array", "items": {"type": "integer"}}}}
TOOLS = {
    "get_tide": Tool(name="get_tide", description="Tide in a harbour.", parameters={"type": "object", "properties": {
        "harbor": {"type": "string"}, "days": {"type": "integer"}, "exact": {"type": "boolean"}, "level": {"type": "number"},
        "more": OBJECT,
    }}),
    "send_note": Tool(name="send_note", description="Sends a note.", parameters={
        "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"],
    }),
    "now": Tool(name="now", description="The time.", parameters={"type": "object", "properties": {}}),
}  # fmt: skip
ONE = [{"name": "get_tide", "arguments": {
    "harbor": "Brest", "days": 3, "exact": True, "level": -1.5, "more": {"unit": "m", "depths": [1, 2]},
}}]  # fmt: skip
TWO = [*ONE, {"name": "send_note", "arguments": {"text": "The tide is up."}}]
AROUND = (
    ("", ""), ("<think>\nThe user wants get_tide(harbor='Rome'). I call it.\n</think>\n\n", ""), ("I will look.\n", ""),
    ("Hm, get_tide it is.\n</think>\n\n", ""), ("", "<|im_end|>"), ("", "\n"),
)  # fmt: skip


def read(text: str) -> list[dict[str, Any]] | str | None:
    """The calls, the reason why there are none, or None for an abstention."""
    found = use.parse(text, TOOLS)
    if found.answer is None:
        return found.problem
    return [{"name": c.name, "arguments": c.arguments} for c in found.answer.calls] or None


def note(text: str) -> list[dict[str, Any]]:
    return [{"name": "send_note", "arguments": {"text": text}}]


@pytest.mark.parametrize("syntax", WRITERS)
def test_right_calls_are_read_with_their_types_in_every_syntax(syntax: str) -> None:
    for calls in (ONE, TWO, [*TWO, *ONE[:1]], [{"name": "now", "arguments": {}}]):
        for before, after in AROUND:
            text = before + WRITERS[syntax](calls) + after
            assert read(text) == calls, text
    crlf = WRITERS[syntax](TWO).replace("\n", "\r\n")
    assert read(crlf) == TWO, crlf


def test_a_name_alone_on_its_line_between_tags_is_read_with_its_arguments() -> None:
    one = '<tool_call>get_tide\n{"harbor": "Brest", "days": 3}\n</tool_call>'
    calls = [{"name": "get_tide", "arguments": {"harbor": "Brest", "days": 3}}]
    assert read(one) == calls and read(f"{one}\n{one}") == [*calls, *calls]
    assert read(one.replace("3}", "3")) == "bad-json"


VALUES = (
    "123", "true", "null", "1.50", '"quoted"', "{not json", "a\nb", " padded ", "</tool_call>", "<|tool_call_end|>", "</invoke>",
    "}", "</s>",
    "it's \"so\"", "<arg_key>", "f(x=1)", '{"name": "now", "arguments": {}}', "```", "é｜▁", "<｜tool▁calls▁begin｜>",
    "to=functions.now", "\\n", "</think>", "<function=now>", "Action: now", "a\n</think>\nb", "",
)  # fmt: skip


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_text_value_stays_the_text_that_was_written(syntax: str) -> None:
    closes = {"qwen": "</parameter>", "seed": "</parameter>", "glm": "</arg_value>"}.get(syntax.split("-")[0].split("3")[0], "")
    for value in (*VALUES, f"a {closes} b"):
        text = WRITERS[syntax](note(value))
        assert read(text) == note(value), text


@pytest.mark.parametrize("syntax", WRITERS)
def test_an_answer_that_is_cut_off_is_never_a_part_of_its_calls_nor_an_abstention(syntax: str) -> None:
    """A call that is whole may stand without the marks behind it: many decoders stop there."""
    for calls in (ONE, TWO):
        text = WRITERS[syntax](calls)
        for end in range(1 if syntax in UNMARKED else 2, len(text)):
            found = read(text[:end])
            wholes = [calls[:n] for n in range(1, len(calls) + 1)]
            begun = end >= text.index("get_tide") + len("get_tide") if syntax in UNMARKED else True
            assert found in wholes or isinstance(found, str) or (found is None and not begun), (text[:end], found)
            if found == calls[:1] and len(calls) == 2:
                assert calls[1]["name"] not in text[:end], text[:end]


@pytest.mark.parametrize("syntax", WRITERS)
def test_a_broken_call_beside_a_whole_one_spoils_the_answer(syntax: str) -> None:
    whole = WRITERS[syntax](ONE)
    broken = WRITERS[syntax](TWO[1:])
    for cut in range(len(broken) - broken.index("send_note") - 9, len(broken) - broken.index("The tide")):
        assert not isinstance(read(f"{whole}\n{broken[:-cut]}"), list), broken[:-cut]


@pytest.mark.parametrize("syntax", sorted(RAW))
def test_the_parser_says_which_values_are_raw_text(syntax: str) -> None:
    found = parse(WRITERS[syntax]([{"name": "now", "arguments": {}}, *TWO]))
    assert found.answer and found.raw == (1, 2)
    assert found.answer.calls[1].arguments["days"] == "3"


@pytest.mark.parametrize("syntax", sorted(set(WRITERS) - RAW))
def test_what_a_syntax_writes_with_its_type_is_not_typed_again(syntax: str) -> None:
    calls = [{"name": "get_tide", "arguments": {"days": "3"}}]
    assert read(WRITERS[syntax](calls)) == calls


@pytest.mark.parametrize(
    "text",
    [
        "<function=send_note>\n<parameter=text>\na\n</parameter>\n<parameter=text>\nb\n</parameter>\n</function>",
        "<function=send_note>\n<parameter=text>\na\n</function>",
        "<function=send_note>\na\n</function>",
        '<invoke name="send_note"><parameter name="text">a</invoke>',
        "<tool_call>send_note\n<arg_key>text</arg_key>\n</tool_call>",
        "<tool_call>send_note\n<arg_value>a</arg_value>\n</tool_call>",
        "<tool_call>send_note text=a</tool_call>",
        "<start_function_call>call:send_note{text:a}<end_function_call>",
        "<start_function_call>call:send_note{text:<escape>a<escape>,text:<escape>b<escape>}<end_function_call>",
        '<｜DSML｜invoke name="get_tide"><｜DSML｜parameter name="days" string="false">many</｜DSML｜parameter></｜DSML｜invoke>',
        '<｜tool▁call▁begin｜>function<｜tool▁sep｜>send_note\n```json\n{"text": a}\n```<｜tool▁call▁end｜>',
        "<|channel|>commentary to=functions.send_note <|constrain|>json<|message|>a<|call|>",
        '<function_calls>\n<invoke name="send_note"><parameter name="text">a</parameter></invoke>\nAnd so on.\n</function_calls>',
        "<|channel|>analysis<|message|>I call get_tide(harbor='Brest')", "<seed:think>send_note(text='a')",
        '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.now', "<｜tool▁c",
    ],
)  # fmt: skip
def test_a_broken_call_in_tags_is_a_reason(text: str) -> None:
    assert isinstance(read(text), str)


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>analysis<|message|>Call get_tide(harbor='Rome')? No.<|end|><|start|>assistant{}",
        "analysisThe user wants get_tide(harbor='Rome')?assistant{}",
        "<|START_THINKING|>now()<|END_THINKING|>{}", "<seed:think>now()</seed:think>{}", "<|channel>thought\nnow()\n<channel|>{}",
        "Thought: I now() need the tide.\n{}",
    ],
)  # fmt: skip
def test_a_thought_in_a_familys_own_marks_is_no_call(text: str) -> None:
    own = {"a": "gpt-oss-stripped", "T": "react"}.get(text[0])
    for syntax in [own] if own else ["command-r", "seed-oss", "gemma4", "lfm2"]:
        assert read(text.format(WRITERS[syntax](ONE))) == ONE


@pytest.mark.parametrize(
    "text",
    [
        "None of the tools fits. Action: none", "Use <b>tags</b> and a -> b.", "Action: wait\nAction Input: none", "a <",
        "<|channel|>final<|message|>No tool fits.", "No tool.<｜end▁of▁sentence｜>", "<TOOLCALL>[]</TOOLCALL>",
        "<think>I could write <function=now>.</think>\nNo tool fits this request.", "I would like to", "analysis of tides: none",
    ],
)  # fmt: skip
def test_an_abstention_stays_one(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('get_tide\n{"harbor": "Brest"}', [{"name": "get_tide", "arguments": {"harbor": "Brest"}}]),
        ('all\nI look.>>>now\n{}', [{"name": "now", "arguments": {}}]), ('get_tide\n{"harbor": "Br', "bad-call"),
        ('[{"type": "tool_use", "id": "t1", "name": "now", "input": {}}]', [{"name": "now", "arguments": {}}]),
        ('[{"functionCall": {"name": "now", "args": {}}}]', [{"name": "now", "arguments": {}}]),
        ('{"name": "now", "input": {}}', "not-a-call"),
        ('json\n{"name": "now", "arguments": {}}', [{"name": "now", "arguments": {}}]), ("all\nNo tool fits.", None),
    ],
)  # fmt: skip
def test_a_name_above_an_object_and_a_call_as_an_interface_returns_it_are_read(text: str, found: Any) -> None:
    assert read(text) == found


UNION = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "null", "null"), ({"type": ["string", "null"]}, "null", None), ({"type": "integer"}, " 5 ", 5),
        ({"type": "integer"}, "five", "five"), ({"type": "integer"}, '"5"', '"5"'), ({"type": "boolean"}, "True", True),
        ({"type": "boolean"}, "yes", "yes"), ({"type": "number"}, "1e3", 1000.0), ({"type": "number"}, "NaN", "NaN"),
        ({"type": "array"}, "[1, 'a']", [1, "a"]), ({"type": "array"}, "a, b", "a, b"), ({"type": "dict"}, '{"a": 1}', {"a": 1}),
        ({"enum": ["1", "2"]}, "1", "1"), ({"enum": [1, 2]}, "1", 1), ({"const": True}, "true", True),
        ({"enum": ["a"]}, "b", "b"),
        (UNION, "None", None), (UNION, "7", 7), ({"$ref": "#/$defs/code"}, "7", "7"), ({"$ref": "#/$defs/none"}, "7", 7),
        ({"type": "integer", "nullable": True}, "null", None), ({}, "7", 7), ({}, "Oslo", "Oslo"), ({}, '"7"', '"7"'),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, "[1]", [1]), ({"type": ["string", "integer"]}, "1.5", "1.5"),
        ({"oneOf": [{"type": "string"}, {"type": "string", "format": "date"}]}, "12", "12"), ({"type": "str"}, "12", "12"),
        (True, "7", 7), ({"allOf": [{"type": "string"}, {"maxLength": 3}]}, "7", "7"), ({"type": "any"}, "7", 7),
    ],
)  # fmt: skip
def test_a_raw_value_is_what_its_schema_makes_of_it(schema: Any, text: str, value: Any) -> None:
    parameters = {"type": "object", "properties": {"x": schema}, "$defs": {"code": {"type": "string"}}}
    tool = Tool(name="f", parameters=parameters)
    answer = use.parse(f"<function=f>\n<parameter=x>\n{text}\n</parameter>\n</function>", {"f": tool}).answer
    assert answer is not None and json.dumps(answer.calls[0].arguments["x"]) == json.dumps(value)


@pytest.mark.parametrize("syntax", sorted(RAW))
def test_an_untyped_value_that_does_not_fit_is_vetoed_and_one_that_fits_is_accepted(syntax: str) -> None:
    tools = [json.loads(tool.model_dump_json()) for tool in TOOLS.values()]
    for days, verdict in ((3, "accepted"), ("three", "rejected")):
        calls = [{"name": "get_tide", "arguments": {"harbor": "Brest", "days": days}}]
        row = {"id": 1, "tools": tools, "query": "The tide in the harbor Brest for 3, three days?"}
        assert verify_row({**row, "candidate": WRITERS[syntax](calls)})["verdict"] == verdict
