"""Write and parse, for every value that a call can carry and every text that a model can write."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.chat import parse, write
from selfimprove.chat.write import SYNTAXES
from selfimprove.records import Answer, Call, canonical_json, digest
from selfimprove.records.sound import is_sound
from selfimprove.subtasks import make
from tests.properties.values import ARGUMENTS, JSON_TEXT, NAMES

CALLS = st.builds(Call, name=NAMES, arguments=ARGUMENTS)
PIECES = st.sampled_from([
    "<tool_call>", "</tool_call>", '{"name": "f", "arguments": ', "{", "}", "[", "]", '"', "\\", "NaN", "1e999", "\\ud800",
    ",", ":",
    "Missing value: ", "No tool fits", "f", "null", "\n", "-", "\u2028", "<", "/",
])  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join), JSON_TEXT)


@given(st.lists(CALLS, min_size=1, max_size=4))
def test_calls_that_are_trained_are_read_back_unchanged(calls: list[Call]) -> None:
    answer = Answer(calls=tuple(calls))
    text = write(answer)
    assert parse(text).answer == answer
    found = parse(text).answer
    assert found is not None and write(found) == text


@given(st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(lambda n: n != "and"), min_size=1,
max_size=4))
def test_abstentions_that_are_trained_are_read_back_unchanged(names: list[str]) -> None:
    answer = Answer(abstain="missing", missing=tuple(names))
    assert parse(write(answer)).answer == answer
    assert parse(write(Answer(abstain="no_tool"))).answer == Answer(abstain="no_tool")


@given(TEXTS)
def test_no_text_of_a_model_ends_the_parser(text: str) -> None:
    parsed = parse(text)
    assert (parsed.answer is None) != (parsed.problem is None)
    if parsed.answer:
        # What was read can be kept: it has an identity and goes to disk and back.
        assert Answer.model_validate_json(parsed.answer.model_dump_json()) == parsed.answer
        assert digest(parsed.answer.model_dump(mode="json"))


@given(TEXTS)
def test_no_text_of_a_model_ends_the_reader_of_tool_lists(text: str) -> None:
    tools, problem = make.parse(text)
    assert bool(tools) != (problem is not None)
    assert all(canonical_json(tool.parameters) for tool in tools)


@given(JSON_TEXT)
def test_what_is_sound_has_canonical_text_that_reads_back(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError:
        return
    if is_sound(value):
        assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)
        assert canonical_json(value).encode()


@given(st.sampled_from(sorted(SYNTAXES)), st.lists(CALLS, min_size=1, max_size=3))
@settings(max_examples=2000)
def test_every_syntax_is_read_back_as_it_was_written(syntax: str, calls: list[Call]) -> None:
    text = write(Answer(calls=tuple(calls)), syntax)
    found = parse(text).answer
    assert found is not None, text
    # As JSON text, where 1 is not true and not 1.0.
    assert [canonical_json(c.model_dump()) for c in found.calls] == [canonical_json(c.model_dump()) for c in calls]
