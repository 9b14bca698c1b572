"""Messages and tools -> token ids, with the model's own tokenizer and template. Imported in worker processes only.

    prompt_ids(tokenizer, messages, tools)
    rows_ids(tokenizer, rows)[0].spans           # [(41, 63)]: the answer and the end of turn carry the loss

A training row is the generation prompt followed by the target and the end-of-turn token, token by token: what the model
is trained after is exactly what it is prompted with, whatever a template would do to the history.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfimprove.chat.families import TEMPLATES, family_of
from selfimprove.chat.language import Language, language_of
from selfimprove.chat.mask import Masked, conversation, proved
from selfimprove.chat.parse import parse
from selfimprove.chat.write import escape, write
from selfimprove.errors import ModelError
from selfimprove.records import Message, Row, Tool

_WITH_CALLS = ("use", "refine", "abstain")
"""Subtasks whose target is an answer: it is trained in the family's own syntax, whatever the file holds it in."""


def load_tokenizer(model: Path) -> Any:
    """The tokenizer of a model directory. Raises ModelError."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(model), local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(f"{model}: its tokenizer cannot be loaded ({str(error).splitlines()[0]})") from None
    family = family_of(model)
    if family.template:
        # The project's template, also where a model brings one of its own that ignores tools.
        tokenizer.chat_template = (TEMPLATES / family.template).read_text(encoding="utf-8")
    language_of(tokenizer, family)
    return tokenizer


def prompt_text(tokenizer: Any, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
    """The prompt up to and with the generation prompt. Text that looks like structure is defused first."""
    return language_of(tokenizer).prompt(messages, tools)


def prompt_ids(tokenizer: Any, messages: Sequence[Message], tools: Sequence[Tool]) -> list[int]:
    language = language_of(tokenizer)
    return language.encode([language.prompt(messages, tools)])[0]


def rows_ids(tokenizer: Any, rows: Sequence[Row]) -> list[Masked]:
    """Token ids and supervised spans of many rows at once. Raises ModelError for a conversation that cannot be masked."""
    language = language_of(tokenizer)
    plain = [row for row in rows if not is_conversation(row)]
    prompts = language.encode([language.prompt(row.messages, row.tools) for row in plain])
    targets = language.encode_after([target_text(language, row) for row in plain])
    end = language.end_of_turn
    made = {
        row.id: Masked([*prompt, *target, end], ((len(prompt), len(prompt) + len(target) + 1),))
        for row, prompt, target in zip(plain, prompts, targets, strict=True)
    }
    return [made[row.id] if row.id in made else conversation(language, row.messages, row.tools) for row in rows]


def unproved(tokenizer: Any, row: Row, made: Masked) -> str | None:
    """What is wrong with a row's spans, found by decoding them; None when nothing is. Conversations are proved when made."""
    language = language_of(tokenizer)
    if is_conversation(row):
        return None
    return proved(language, made, [target_text(language, row) + language.decode([language.end_of_turn])])


def is_conversation(row: Row) -> bool:
    """Without a target of its own, every turn of the assistant is supervised; the last message is one."""
    return not row.target and bool(row.messages) and row.messages[-1].role == "assistant"


def target_text(language: Language, row: Row) -> str:
    """What the model shall learn to say, in its own syntax; control tokens inside values are escaped."""
    text, control = row.target, language.control
    calls = row.subtask in _WITH_CALLS and (found := parse(text).answer) is not None and found.calls
    if calls and language.family.syntax != "hermes":
        text = write(found, language.family.syntax)  # type: ignore[arg-type]
    text = escape(text, (*control.special, *control.marks))
    return control.defuse_target(text) if calls else control.defuse_all(text)


def end_of_turn(tokenizer: Any) -> int:
    """The token that ends an assistant's turn."""
    return language_of(tokenizer).end_of_turn


def stop_ids(tokenizer: Any, model: Path) -> list[int]:
    """Every token that ends generation: the end of turn, the tokenizer's eos, the family's own and the model's."""
    named = [tokenizer.convert_tokens_to_ids(text) for text in family_of(model).stop]
    found = {end_of_turn(tokenizer), tokenizer.eos_token_id, *named, *_generation_stops(model)}
    return sorted(i for i in found if isinstance(i, int) and i != tokenizer.unk_token_id)


def _generation_stops(model: Path) -> list[Any]:
    try:
        found = json.loads((model / "generation_config.json").read_text(encoding="utf-8")).get("eos_token_id")
    except (OSError, ValueError, AttributeError):
        return []
    return found if isinstance(found, list) else [found]


def answer_text(tokenizer: Any, tokens: Sequence[int]) -> str:
    """What the model wrote, without control tokens but with the marks around calls: some tokenizers have those as special
    tokens, and a decoder that leaves them out leaves no call to be read."""
    from selfimprove.chat.control import MARKS

    added = tokenizer.added_tokens_decoder
    hidden = {number for number, token in added.items() if token.special and str(token) not in MARKS}
    return language_of(tokenizer).decode([t for t in tokens if t not in hidden])
