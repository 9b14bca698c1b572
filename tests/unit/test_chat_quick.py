"""Two ways to read, one meaning: an answer in a common form must not be read otherwise for having taken the short way."""

from __future__ import annotations

import sys
from random import Random

import pytest

from benchmarks.fuzz import _call, _text
from selfimprove.chat import SYNTAXES, parse, quick, write
from selfimprove.records import Answer, canonical_json

general = sys.modules["selfimprove.chat.parse"].read
EDITS = (
    *"[](){}'\",:=\\ \n\t.-+01eNx<>/;é\ud800\u2028\x00", "</tool_call>", "<tool_call>", "\\u0041", "\\ud83d\\ude00",
    "\\ud800", "NaN", "Infinity", "1e999", "9" * 310, "-0", "1.50", "01", "null", "true", "True", '"name": "g", ',
    "**{'a': 1}", "r'a'",
)  # fmt: skip


def assert_same(text: str) -> bool:
    """Whether the short way gave an answer; fails when it is another than the general way's."""
    calls = quick.read(text)
    if calls:
        found = general(text)
        assert found.answer is not None and found.skipped == "", text
        said = [canonical_json([c.model_dump() for c in some]) for some in (calls, found.answer.calls)]
        assert said[0] == said[1], text
        assert [c.model_fields_set for c in calls] == [c.model_fields_set for c in found.answer.calls], text
    return bool(calls)


def test_an_answer_is_the_same_by_the_short_way_and_by_the_general_one() -> None:
    short = 0
    for number in range(3000):
        draw = Random(f"quick/{number}")
        text = write(Answer(calls=tuple(_call(draw) for _ in range(draw.randrange(1, 3)))), draw.choice(list(SYNTAXES)))
        at = draw.randrange(len(text) + 1)
        for one in (text, text[:at] + draw.choice(EDITS) + text[at + draw.randrange(2) :], _text(draw)):
            short += assert_same(one)
    assert short > 1500  # the comparison is not an empty one


@pytest.mark.parametrize(
    "arguments",
    [
        '{"x": 1, "x": 2}', '{"x": NaN}', '{"x": -Infinity}', '{"x": 1e999}', '{"x": -0}', '{"x": -0.0}', '{"x": 1E2}',
        '{"x": ' + "9" * 299 + "}", '{"x": ' + "9" * 301 + "}", '{"x": "\\ud800"}', '{"x": "\\ud83d\\ude00"}', '{"x": "a\tb"}',
        '{"\\ud800": 1}', '{"x": "\\u0000"}', "null", '"{}"', '{"x": 5e-324}', '{"x": 123456789012345678901234567890}',
        *('{"x": ' + "[" * n + "]" * n + "}" for n in (60, 61, 62, 63, 64, 65)), '{"x": 0.1e-400}', '{"": ""}',
        '{"x": 1.7976931348623157e308}',
    ],
)  # fmt: skip
def test_odd_values_are_the_same_by_both_ways(arguments: str) -> None:
    call = f'{{"name": "f", "arguments": {arguments}}}'
    for text in (call, f"<tool_call>{call}</tool_call>", f"<tool_call>\n{call}\n</tool_call>\n<tool_call>{call}</tool_call>"):
        assert_same(text)
    assert_same(f"[f(**{arguments})]")
    assert_same(f"[f(x={arguments[6:-1]})]")


@pytest.mark.parametrize("name", ['"f"', '""', '"\\ud800"', "3", '"a", "name": "b"', '"f", "id": "c1"', '"f", "type": "x"'])
def test_odd_names_are_the_same_by_both_ways(name: str) -> None:
    assert_same(f'{{"name": {name}, "arguments": {{}}}}')
    assert_same(f'<tool_call>{{"name": {name}}}</tool_call>')
    assert_same(f"[{name}(x=1)]")


def test_a_long_list_of_calls_is_still_too_large() -> None:
    text = "[" + ", ".join(["f(x=1)"] * 10_001) + "]"
    assert parse(text).problem == "too-large"
