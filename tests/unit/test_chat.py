"""Text of a model -> an answer or a reason: what a user's model says is read the same way everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfimprove.chat import FAMILIES, family_of, install, parse, write
from selfimprove.errors import ModelError
from selfimprove.records import Answer, Call

F = Call(name="f", arguments={"x": 1})
G = Call(name="g", arguments={})


def tagged(*texts: str) -> str:
    return "\n".join(f"<tool_call>{text}</tool_call>" for text in texts)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (tagged('{"name": "f", "arguments": {"x": 1}}'), (F,)),
        (tagged('\n{"name": "f", "arguments": {"x": 1}}\n', '{"name": "g"}'), (F, G)),
        ('{"name": "f", "parameters": {"x": 1}}', (F,)),
        ('[{"name": "f", "arguments": {"x": 1}}, {"name": "g", "arguments": {}}]', (F, G)),
        ('{"name": "f", "arguments": {"x": 1}}\n{"name": "g"}', (F, G)),
        ('{"name": "f", "arguments": {"x": 1}}; {"name": "g"}', (F, G)),
        ("Sure! " + tagged('{"name": "f", "arguments": {"x": 1}}') + " Done.", (F,)),
    ],
)
def test_calls_are_read_in_every_form_that_models_write(text: str, calls: tuple[Call, ...]) -> None:
    assert parse(text).answer == Answer(calls=calls)


def test_prose_around_calls_is_kept_apart() -> None:
    assert parse("Sure! " + tagged('{"name": "g"}') + " Done.").skipped == "Sure!  Done."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"), (" \n ", "empty"), ("x" * 1_000_001, "too-large"), ("<tool_call>{", "unclosed-call"),
        (tagged('{"name": "f"'), "bad-json"), (tagged("[1]"), "not-a-call"), (tagged('{"name": 3}'), "not-a-call"),
        (tagged('{"name": ""}'), "not-a-call"), (tagged('{"name": "f", "arguments": "x"}'), "not-a-call"),
        ('{"name": "f"', "bad-json"), ("[[]]", "not-a-call"), ("[1, 2]", "not-a-call"), ('{"a": 1}', "not-a-call"),
        (tagged('{"name": "f", "arguments": {"x": NaN}}'), "bad-json"),
        (tagged('{"name": "f", "arguments": {"x": -1e999}}'), "bad-json"),
        (tagged('{"name": "f", "arguments": {"x": "\\ud800"}}'), "bad-json"),
        (tagged('{"name": "f", "arguments": {"x": ' + "9" * 400 + "}}"), "bad-json"),
        (tagged('{"name": "f", "arguments": {"x": ' + "[" * 300 + "]" * 300 + "}}"), "bad-json"),
        ('{"name": "f", "arguments": {"x": Infinity}}', "bad-json"), ("[" * 200_000, "bad-json"),
        (tagged('{"name": "f"}') + "<tool_call>", "unclosed-call"),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_why(text: str, problem: str) -> None:
    parsed = parse(text)
    assert (parsed.answer, parsed.problem) == (None, problem)


@pytest.mark.parametrize(
    ("text", "abstain", "missing"),
    [
        ("No tool fits this request.", "no_tool", ()),
        ("None of the available tools can do that.", "no_tool", ()),
        ("Sorry, no suitable function exists.", "no_tool", ()),
        ("Missing value: city", "missing", ("city",)),
        ("missing values: from_unit, to_unit.", "missing", ("from_unit", "to_unit")),
        ("Missing value: date and time", "missing", ("date", "time")),
        ("The weather in Oslo is fine.", "no_call", ()),
        ("Missing value: ", "no_call", ()),
    ],
)
def test_an_abstention_is_an_answer_with_its_reason(text: str, abstain: str, missing: tuple[str, ...]) -> None:
    found = parse(text).answer
    assert found is not None and (found.abstain, found.missing, found.calls) == (abstain, missing, ())


def test_an_end_tag_inside_a_value_does_not_end_the_call() -> None:
    answer = Answer(calls=(Call(name="f", arguments={"html": "</tool_call></b>", "p": "a\\/b<\\"}), F))
    assert parse(write(answer)).answer == answer


def test_every_family_reads_what_it_trains(tmp_path: Path) -> None:
    for name, family in FAMILIES.items():
        folder = tmp_path / name
        folder.mkdir()
        install(folder, name)
        assert family_of(folder) == family
        assert (folder / "chat_template.jinja").exists() == bool(family.template)
        assert json.loads((folder / "selfimprove.json").read_text())["stop"] == list(family.stop)


def test_a_model_that_writes_hermes_calls_needs_no_card(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("{% if tools %}<tool_call>{% endif %}")
    assert family_of(tmp_path).name == "hermes"


def test_a_model_whose_template_ignores_tools_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    with pytest.raises(ModelError, match="ignores tools"):
        family_of(tmp_path)
    (tmp_path / "selfimprove.json").write_text('{"family": "none"}')
    with pytest.raises(ModelError, match="names no known family"):
        family_of(tmp_path)
