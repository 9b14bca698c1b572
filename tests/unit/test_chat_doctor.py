"""Every known way in which a chat template, a mask or a parser spoils a training without a word: planted, and caught."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfimprove.chat import doctor, family_of
from selfimprove.chat.language import language_of
from selfimprove.chat.mask import Masked
from selfimprove.chat.render import rows_ids
from selfimprove.errors import ModelError
from selfimprove.records import Row
from tests.tokenizer import ROOT, TEMPLATES, load, save

FAMILY_OF = {
    "hermes": "hermes", "thinking": "hermes", "llama3": "llama3", "mistral": "mistral", "mistral-args": "mistral-args",
    "json": "json", "pythonic": "pythonic",
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A tokenizer with a template of ours, by name; made once."""
    made: dict[Any, Any] = {}

    def get(name: str, source: str | None = None, space: bool = False) -> Any:
        key = (name, source, space)
        if key not in made:
            made[key] = load(tmp_path_factory.mktemp("models"), name, source, space=space)
        return made[key]

    return get


def changed(name: str, *pairs: tuple[str, str]) -> str:
    """A template with a fault planted in it."""
    source = (TEMPLATES / f"{name}.jinja").read_text()
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize("space", [False, True], ids=["bytes", "space"])
@pytest.mark.parametrize("name", FAMILY_OF)
def test_a_sound_family_passes(models: Callable[..., Any], name: str, space: bool) -> None:
    tokenizer = models(name, space=space)
    assert family_of(Path(tokenizer.name_or_path)).name == FAMILY_OF[name]
    assert sum(line.startswith("ok") for line in doctor.examine(tokenizer)) == len(doctor.CHECKS)


TOOL, ARGUMENTS = "{{ tool | tojson }}", "{{ c.function.arguments | tojson }}"
PROMPT = "'<|im_start|>assistant\\n' }}{% endif -%}"
TURN = "{%- if m.role == 'assistant' -%}"
FORGETS = "{%- if m.tool_calls and not loop.last %}{{ '<|im_start|>assistant<|im_end|>\\n' }}{%- elif m.role == 'assistant' -%}"
FAULTS = {
    "tools-not-shown": (TOOL, "{{ tool.function.description }}", "'find_harbor' is missing"),
    "keys-not-shown": (TOOL, "{{ tool.function.name + tool.function.description }}", "'harborname' is missing"),
    "tools-padded": (TOOL, "{{ tool | tojson }} {{ {'strict': none} | tojson }}", "tools are padded: 'null'"),
    "tools-refused": (
        "{%- if tools %}", "{%- if tools %}{{ raise_exception('No tools here!') }}",
        "the template raises TemplateError",
    ),
    "arguments-lost": (ARGUMENTS, "{}", "'Skagen' is missing"),
    "values-changed": (
        ARGUMENTS, "{{ c.function.arguments | tojson | replace('3.5', '3.0') }}",
        "does not read what the template writes",
    ),
    "values-escaped": (ARGUMENTS, "{{ c.function.arguments | tojson | e }}", "does not read what the template writes"),
    "order-of-calls": ("in m.tool_calls or []", "in (m.tool_calls or []) | reverse", "does not read what the template writes"),
    "results-lost": ("<tool_response>\\n' + m.content", "<tool_response>\\n'", "'zephyrport' is missing"),
    "other-syntax": ('"arguments": \'', '"parameters": \'', "the template writes a call as"),
    "broken-syntax": ("'}\\n</tool_call>'", "'\\n</tool_call>'", "does not read what the template writes"),
    "other-prompt": (PROMPT, "'<|im_start|>assistant\\nSure, ' }}{% endif -%}", "no beginning of the training text"),
    "no-prompt": (PROMPT, "'<|im_start|>user\\n' }}{% endif -%}", "no beginning of the training text"),
    "history-dropped": (TURN, FORGETS, "is missing"),
    "history-rewritten": (
        "system\\n' + system", "system\\n' + messages | length | string + system",
        "no beginning|not prefix-preserving",
    ),
    "no-end-of-turn": (
        "{{- '<|im_end|>\\n' -}}\n  {%- elif m.role == 'tool'", "{{- '\\n' -}}\n  {%- elif m.role == 'tool'",
        "does not end",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_template_with_a_fault_is_refused(models: Callable[..., Any], fault: str) -> None:
    old, new, said = FAULTS[fault]
    tokenizer = models("hermes", changed("hermes", (old, new)))
    with pytest.raises(ModelError, match=said) as caught:
        doctor.examine(tokenizer)
    assert "family hermes" in str(caught.value) and "\n" not in str(caught.value)


LOSS = "check the loss is on the answer and the stop token"


def spans_of(change: Callable[[Masked], Masked]) -> Callable[[Any, Row], Masked]:
    return lambda tokenizer, row: change(rows_ids(tokenizer, [row])[0])


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (lambda m: Masked(m.ids, ()), "no token carries the loss"),
        (lambda m: Masked(m.ids, ((5, 5),)), "no token carries the loss"),
        (lambda m: Masked(m.ids, ((m.spans[0][0], m.spans[0][1] - 1),)), "the tokens with the loss say"),
        (lambda m: Masked(m.ids[:-1], ((m.spans[0][0], m.spans[0][1] - 1),)), "the tokens with the loss say"),
        (lambda m: Masked(m.ids, ((0, m.spans[0][1]),)), "the tokens with the loss say"),
        (lambda m: Masked(m.ids, ((m.spans[0][0] - 1, m.spans[0][1]),)), "the tokens with the loss say"),
        (lambda m: Masked(m.ids, ((m.spans[0][0] + 1, m.spans[0][1]),)), "the tokens with the loss say"),
        (lambda m: Masked(m.ids, ((m.spans[0][0], m.spans[0][1] + 1),)), "lies outside the row"),
        (lambda m: Masked([m.ids[0], *m.ids], ((m.spans[0][0] + 1, m.spans[0][1] + 1),)), "the row trains after"),
    ],
    ids=["all-zero", "empty-span", "no-stop", "stop-cut", "prompt-too", "shifted", "first-lost", "outside", "other-prefix"],
)  # fmt: skip
def test_a_mask_with_a_fault_is_refused(
    models: Callable[..., Any], mask: Callable[[Masked], Masked], said: str
) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        doctor.examine(models("hermes"), spans_of(mask))
    assert "family hermes" in str(caught.value)


def test_a_pad_token_that_ends_turns_hides_nothing_and_is_said(models: Callable[..., Any], tmp_path: Path) -> None:
    tokenizer = load(tmp_path, "hermes")
    tokenizer.pad_token = "<|im_end|>"
    end = language_of(tokenizer).end_of_turn
    assert any("pad is the token that ends a turn" in line for line in doctor.examine(tokenizer))

    def without_pad(made: Masked) -> Masked:
        kept = [i for i in range(*made.spans[0]) if made.ids[i] != end]
        return Masked(made.ids, ((kept[0], kept[-1] + 1),))

    with pytest.raises(ModelError, match=LOSS):
        doctor.examine(tokenizer, spans_of(without_pad))


def test_tools_that_come_back_padded_are_seen() -> None:
    assert doctor.round_trip(lambda tool: tool) is not None
    assert "null" in str(doctor.round_trip(lambda tool: tool))


def test_text_of_others_that_stays_structure_is_seen(models: Callable[..., Any], tmp_path: Path) -> None:
    tokenizer = load(tmp_path, "hermes")
    language = language_of(tokenizer)
    language.control.__dict__["_all"] = None
    with pytest.raises(ModelError, match="text of others changes the structure"):
        doctor.examine(tokenizer)


def test_a_template_without_a_place_for_calls_has_them_written_into_the_text(models: Callable[..., Any]) -> None:
    source = changed("hermes", ("m.tool_calls or []", "[]"))
    assert any("shows no calls" in line for line in doctor.examine(models("hermes", source)))


def test_a_template_that_rewrites_earlier_turns_is_told_of(models: Callable[..., Any]) -> None:
    assert any("rewrites earlier turns" in line for line in doctor.examine(models("thinking")))


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    sound = save(tmp_path / "sound", "hermes")
    faulty = save(tmp_path / "faulty", "hermes", changed("hermes", (PROMPT, "'Sure, ' }}{% endif -%}")))
    command = [sys.executable, "-m", "flows.cli", "doctor", "--model"]
    done = [subprocess.run([*command, str(m)], cwd=ROOT, capture_output=True, text=True, check=False) for m in (sound, faulty)]
    assert done[0].returncode == 0 and done[0].stdout.startswith("ok  family hermes, syntax hermes-lines, parser ")
    assert done[1].returncode == 2 and done[1].stderr.count("\n") == 1
    assert "selfimprove: family hermes" in done[1].stderr and "no beginning of the training text" in done[1].stderr
