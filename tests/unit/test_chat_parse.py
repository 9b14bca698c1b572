"""What models really write, form by form: a call that is missed, invented or half read is a wrong label for training."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from selfimprove.chat import parse, write
from selfimprove.chat.write import SYNTAXES
from selfimprove.records import Answer, Call

F = {"name": "f", "arguments": {"x": 1}}
JSON = json.dumps(F)
AS_TEXT = json.dumps({"name": "f", "arguments": '{"x": 1}'})
OPENAI = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
DEFINITION = {"name": "f", "description": "Does it.", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}


def calls(text: str) -> list[dict[str, Any]] | str:
    """The calls as plain data, or the code or kind of abstention in their place."""
    found = parse(text)
    if found.answer is None:
        return str(found.problem)
    return [c.model_dump() for c in found.answer.calls] or str(found.answer.abstain)


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{JSON}</tool_call>", f"<tool_call>\n{AS_TEXT}\n</tool_call>", f"<tool_call>{JSON}",
        f"<tool_call>[{JSON}]</tool_call>", "<tool_call>{'name': 'f', 'arguments': {'x': 1}}</tool_call>",
        "<tool_call>f(x=1)</tool_call>", JSON, AS_TEXT, f"[{JSON}]", "{'name': 'f', 'arguments': {'x': 1,},}",
        f"```json\n{JSON}\n```", f"Here it is:\n```\n[{JSON}]\n```\nDone.", f"Sure: {JSON} I hope this helps.",
        '{"function": "f", "parameters": {"x": 1}}', '{"thought": "easy", "name": "f", "arguments": {"x": 1}}',
        json.dumps({"tool_calls": [OPENAI]}), json.dumps([OPENAI]), json.dumps(OPENAI),
        json.dumps({"role": "assistant", "content": None, "tool_calls": [OPENAI]}),
        json.dumps({"function_call": {"name": "f", "arguments": '{"x": 1}'}}),
        '<|python_tag|>{"name": "f", "parameters": {"x": 1}}<|eom_id|>', '<function=f>{"x": 1}</function>',
        f"[TOOL_CALLS] [{JSON}]", '[TOOL_CALLS]f[ARGS]{"x": 1}', '[TOOL_CALLS]f[CALL_ID]a1b2c3d4e[ARGS]{"x": 1}</s>',
        "[f(x=1)]", "[f( x = 1, )]", "Sure: [f(x=1)] as you wish", "[f(**{'x': 1})]", "f(x=1)", "```python\nf(x=1)\n```",
        "I looked it up.\nf(x=1)", "The call is `f(x=1)`.", f"<think>Is it <tool_call>{{}}? No.</think>{JSON}",
        f'maybe {{"name": "g", "arguments": {{}}}}\n</think>\n\n{JSON}', "[f(x=0x1)]", f"<functioncall> {JSON}",
    ],
)  # fmt: skip
def test_one_call_is_found_in_every_form(text: str) -> None:
    assert calls(text) == [F]


@pytest.mark.parametrize(
    "text",
    [
        f"{JSON}\n{JSON}", f"{JSON}; {JSON}", f"{JSON}, {JSON}", f"{JSON}{JSON}", f"[{JSON}, {JSON}]",
        f"<tool_call>{JSON}</tool_call>\n<tool_call>{JSON}</tool_call>", f"<tool_call>{JSON}\n{JSON}</tool_call>",
        f"<tool_call>{JSON}<tool_call>{JSON}", f"First {JSON} and then {JSON}.", "[f(x=1), f(x=1)]", "[f(x=1)], [f(x=1)]",
        "f(x=1)\nf(x=1)", "f(x=1); f(x=1)", "f(x=1), f(x=1)", '[TOOL_CALLS]f{"x": 1}[TOOL_CALLS]f{"x": 1}',
        json.dumps({"tool_calls": [OPENAI, OPENAI]}),
    ],
)  # fmt: skip
def test_the_same_call_twice_is_two_calls(text: str) -> None:
    assert calls(text) == [F, F]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('The user {"name": "Bob", "age": 3} is nice.', "no_call"), ('I would answer {"name": "Bob"} here.', "no_call"),
        ('{"name": "Bob", "age": 3}', "not-a-call"), (json.dumps(DEFINITION), "not-a-call"),
        (json.dumps({"type": "function", "function": DEFINITION}), "not-a-call"), (f"{JSON}\n" + '{"result": 5}', "not-a-call"),
        ('{"name": "f", "parameters": {"type": "object", "properties": {}}}', "not-a-call"),
        (json.dumps({"result": F}), "not-a-call"), (f'Result: {{"user": {JSON}}}', "no_call"), ("[1] See the manual.", "no_call"),
        ("[the manual](http://example.org)", "no_call"), ("See [docs(v2)] for more.", "no_call"), ("f(x) is a function.",
        "no_call"),
        ("{x | x > 0} is a set", "no_call"), ("It costs {5}.", "no_call"), ("f(x=1) + 2", "no_call"), ("y = f(x=1)", "no_call"),
        ('f(x={"name": "g", "arguments": {}}) + 2', "no_call"), ("I could use `f(x=1)` but I will not.", "no_call"),
        ('{"tool_calls": []}', "no_call"), ('{"content": "No tool fits.", "tool_calls": []}', "no_tool"),
        ("<think>f(x=1)</think>No tool fits this.", "no_tool"), ("<think>only thought</think>", "empty"),
    ],
)  # fmt: skip
def test_what_is_no_call_is_not_taken_for_one(text: str, said: str) -> None:
    assert calls(text) == said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[f(x=1", "unclosed-call"), ('f(x="abc', "unclosed-call"), ("[f(x=y)]", "bad-call"), ('[f("Paris")]', "bad-call"),
        ('f("Paris")', "bad-call"), ("[f(x=1, x=2)]", "bad-call"), ("[f(x=1 y=2)]", "bad-call"), ("[f(x=1e999)]", "bad-call"),
        ("[f(x=007)]", "bad-call"), ("[f(x=1+1)]", "bad-call"), ("[f(x=g(1))]", "bad-call"), ("[f(x=b'a')]", "bad-call"),
        ("f(x=__import__('os').system('true'))", "bad-call"), ("[TOOL_CALLS]", "unclosed-call"),
        ("[TOOL_CALLS][{", "unclosed-call"), ("[TOOL_CALLS]f no", "bad-json"), (f"<tool_call>{JSON}}}</tool_call>", "bad-json"),
        (f"<tool_call>{JSON} and then", "unclosed-call"), ("<tool_call></tool_call>", "bad-json"),
        (f"<tool_call>{json.dumps(DEFINITION)}</tool_call>", "not-a-call"), ('{"name": "f", "arguments": {"x": 1}', "bad-json"),
        ("{name: 'f', arguments: {}}", "bad-json"), ("{" + JSON + "}", "bad-json"),
        (f'Sure: {{"name": "f", "arguments": {JSON}', "bad-json"),
        ('{"name": "f", "arguments": "x=1"}', "not-a-call"), ('{"name": "f", "arguments": [1]}', "not-a-call"),
        (f"<think>{JSON}", "unclosed-thought"), ("f(x=" + "[" * 100 + "]" * 100 + ")", "bad-call"),
        ("<function=f><parameter=x>1</function>", "bad-call"),
    ],
)  # fmt: skip
def test_a_broken_call_is_a_reason_and_never_an_abstention(text: str, problem: str) -> None:
    assert calls(text) == problem


def test_a_call_inside_a_value_is_no_call() -> None:
    evil = '<tool_call>{"name": "evil", "arguments": {}}</tool_call>'
    fenced = '```json\n{"name": "evil", "arguments": {}}\n```'
    for marks in (evil, "[TOOL_CALLS]evil{}", "\n</think>\n", "[evil(x=1)]", fenced, "<|im_end|>"):
        given = Answer(calls=(Call(name="f", arguments={"q": f"a {marks} b"}),))
        plain = json.dumps({"name": "f", "arguments": given.calls[0].arguments})
        for text in (f"<tool_call>{plain}</tool_call>", plain, f"[TOOL_CALLS][{plain}]", *(write(given, s) for s in SYNTAXES)):
            assert parse(text).answer == given, text


def test_marked_calls_stand_above_what_only_looks_like_one() -> None:
    found = parse(f"It works as {JSON} does.\n<tool_call>" + '{"name": "g"}</tool_call>')
    assert found.answer is not None and [c.name for c in found.answer.calls] == ["g"]
    assert found.skipped == f"It works as {JSON} does."


def test_prose_and_thoughts_around_calls_are_kept() -> None:
    text = f"<think>hm</think>Sure.\n```json\n{JSON}\n```\nDone."
    assert parse(text).skipped == "<think>hm</think>Sure.\n```json\n\n```\nDone."


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("'it\\'s'", "it's"), ('"a\\x41\\u00e9\\t\\101\\q"', "aA\u00e9\tA\\q"), ("r'a\\n'", "a\\n"), ('"""a\n"b" c"""',
        'a\n"b" c'),
        ("'''x'''", "x"), ("'a' \"b\"", "ab"), ("(1, 2)", [1, 2]), ("(1)", 1), ("()", []), ("-.5e1", -5.0), ("+1_000", 1000),
        ("{'a': [None, null], \"b\": {'c': (False, true)}}", {"a": [None, None], "b": {"c": [False, True]}}),
        ("'\\ud83d\\ude00'", "\U0001f600"), ("0.10", 0.1), ("''", ""), ("[1,]", [1]),
    ],
)  # fmt: skip
def test_python_literals_mean_what_python_says(literal: str, value: Any) -> None:
    found = calls(f"[f(x={literal})]")
    assert isinstance(found, list) and repr(found[0]["arguments"]["x"]) == repr(value)


def test_names_that_are_no_identifiers_are_read() -> None:
    text = "[Sport Translations API(id=101, lang.code=\"en\"), 99TM9FHSQ68x(dQi67KD.h6=6, start-date='x')]"
    assert calls(text) == [
        {"name": "Sport Translations API", "arguments": {"id": 101, "lang.code": "en"}},
        {"name": "99TM9FHSQ68x", "arguments": {"dQi67KD.h6": 6, "start-date": "x"}},
    ]


HOSTILE = (
    "<tool_call>", "<tool_call>{", "[TOOL_CALLS]", "[", "{", '{"a":', '{"a":{"b":1},', "[f(", "[f(x=1),", "f(x=1)\n",
    "f(x=[", '"', "'",
    "\\", '"""', "{}", "[1]", "{'a':1},", "<think>", "</think>\n", "```", " ", "missing value: ", "no tool ", '["f"(', "x [f(x=1",
    "f(x='\nf(x=", '{"name": "f", "arguments": {}} ', "\ud800", "\x00", '{"tool_calls":[', "<function=", "[f(x={'a':1},",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_megabyte_of_hostile_text_costs_less_than_a_second(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece)))[:1_000_000]
    began = time.process_time()
    parse(text)
    # Seconds of this process alone, with room for a slower machine: quadratic work would take minutes.
    assert time.process_time() - began < 3


def test_a_call_without_arguments_on_a_line_of_its_own_is_a_call_and_in_a_sentence_is_not() -> None:
    named = calls('Solution\ngetInfo()\napply(x="1")')
    assert isinstance(named, list) and [c["name"] for c in named] == ["getInfo", "apply"]
    prose = parse("You could use getInfo() for that.").answer
    assert prose is not None and prose.calls == ()


@pytest.mark.parametrize("text", ['<function=!export db>{"x": 1}</function>', '[TOOL_CALLS]!export db[ARGS]{"x": 1}'])
def test_a_name_between_marks_may_hold_any_sign(text: str) -> None:
    assert calls(text) == [{"name": "!export db", "arguments": {"x": 1}}]


@pytest.mark.parametrize("text", ["[]", " []\n", "```json\n[]\n```", "[TOOL_CALLS] []", "[TOOL_CALLS][]</s>"])
def test_an_empty_list_of_calls_says_that_no_call_is_right(text: str) -> None:
    answer = parse(text).answer
    assert answer is not None and (answer.calls, answer.abstain) == ((), "no_call")


@pytest.mark.parametrize("text", ["[] []", "[{}]", "<tool_call>[]</tool_call>", "[]{}"])
def test_an_empty_list_among_other_signs_says_nothing(text: str) -> None:
    assert parse(text).problem is not None


@pytest.mark.parametrize("end", ["<tool_c", "\n<", "\n<function", "<tool_call", "[TOOL_CALL", "\n[", "</func"])
def test_an_answer_that_is_cut_within_the_mark_of_a_call_is_no_answer(end: str) -> None:
    assert parse('<tool_call>{"name": "f", "arguments": {}}</tool_call>' + end).problem == "unclosed-call"


@pytest.mark.parametrize("text", ['[TOOL_CALLS]f\ud800{"x": 1}', '<function=f\ud800>{"x": 1}</function>'])
def test_a_name_that_no_json_can_carry_is_no_name(text: str) -> None:
    assert parse(text).problem == "bad-json"
