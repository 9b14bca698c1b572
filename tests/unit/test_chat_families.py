"""Which language a model speaks, found in its directory: a wrong family prompts and reads a model in a foreign syntax."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfimprove.chat import FAMILIES, SYNTAXES, family_of
from selfimprove.chat.families import FORMS, language
from selfimprove.errors import ModelError
from selfimprove.subtasks.prompt import system
from tests.tokenizer import TEMPLATES

USED = "{% for tool in tools %}{{ tool }}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "family"),
    [
        (USED + "<tool_call>{{ m.tool_calls }}</tool_call>", "hermes"), (USED + "[TOOL_CALLS] {{ calls }}", "mistral"),
        (USED + "[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}", "mistral-args"),
        (USED + 'Respond in the format {"name": function name, "parameters": dictionary}', "llama3"),
        (USED + "<|python_tag|>", "llama3"), (USED + "[func_name1(params_name1=params_value1)]", "pythonic"),
        (USED + '{"name": {{ name }}, "arguments": {{ arguments }}}', "json"),
    ],
)  # fmt: skip
def test_the_family_is_found_from_the_template(tmp_path: Path, template: str, family: str) -> None:
    (tmp_path / "chat_template.jinja").write_text(template)
    assert family_of(tmp_path).name == family


@pytest.mark.parametrize("name", sorted(path.stem for path in TEMPLATES.glob("*.jinja")))
def test_templates_are_found_wherever_a_tokenizer_keeps_them(tmp_path: Path, name: str) -> None:
    text = (TEMPLATES / f"{name}.jinja").read_text()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": text}))
    found = family_of(tmp_path)
    named = [{"name": "default", "template": "{{ messages }}"}, {"name": "tool_use", "template": text}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert family_of(tmp_path) == found
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text(USED + "<tool_call>")
    assert family_of(tmp_path).name == "hermes"


@pytest.mark.parametrize("text", ["<tool_call>{{ name }}<arg_key>", "<tool_call><function={{ name }}><parameter="])
def test_a_syntax_that_is_not_known_is_refused_and_not_guessed(tmp_path: Path, text: str) -> None:
    (tmp_path / "chat_template.jinja").write_text(USED + text)
    with pytest.raises(ModelError, match="uses a call syntax not known here"):
        family_of(tmp_path)


def test_a_card_names_family_syntax_and_stop_tokens(tmp_path: Path) -> None:
    card = {"family": "toolace", "syntax": "python", "stop": ["<|done|>"]}
    (tmp_path / "selfimprove.json").write_text(json.dumps(card))
    found = family_of(tmp_path)
    assert (found.name, found.syntax, found.stop) == ("toolace", "python", ("<|done|>",))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("{", "no known family"), ("[]", "no known family"), ('{"family": ["hermes"]}', "no known family"),
        ('{"family": "hermes", "syntax": "xml"}', "no known syntax"), ('{"family": "hermes", "stop": "x"}', "no list of texts"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_used_says_why(tmp_path: Path, card: str, said: str) -> None:
    (tmp_path / "selfimprove.json").write_text(card)
    with pytest.raises(ModelError, match=said):
        family_of(tmp_path)


def test_what_a_score_rests_on_changes_with_the_template(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text(USED + "<tool_call>")
    first = language(tmp_path)
    assert first["family"] == "hermes" and first["syntax"] == "hermes-lines"
    (tmp_path / "chat_template.jinja").write_text(USED + "<tool_call> ")
    assert language(tmp_path)["template"] != first["template"]


def test_every_row_names_a_syntax_that_can_be_written() -> None:
    assert {family.syntax for family in FAMILIES.values()} <= SYNTAXES.keys()


def test_the_prompt_that_users_train_names_the_form_that_is_replaced() -> None:
    assert FORMS["hermes"] in system("use").content
