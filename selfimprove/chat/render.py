"""Messages and tools -> token ids, with the model's own tokenizer and template. Imported in worker processes only.

A training row is the generation prompt followed by the target and the end-of-turn token, token by token: what the model
is trained after is exactly what it is prompted with, whatever a template would do to the history.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selfimprove.chat.families import TEMPLATES, family_of
from selfimprove.errors import ModelError
from selfimprove.records import Message, Row, Tool


def load_tokenizer(model: Path) -> Any:
    """The tokenizer of a model directory. Raises ModelError."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(model), local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(f"{model}: its tokenizer cannot be loaded ({str(error).splitlines()[0]})") from None
    template = family_of(model).template
    if template:
        # The project's template, also where a model brings one of its own that ignores tools.
        tokenizer.chat_template = (TEMPLATES / template).read_text(encoding="utf-8")
    return tokenizer


def prompt_text(tokenizer: Any, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> str:
    """The prompt up to and with the generation prompt. Text that looks like a control token is defused first."""
    control = tuple(token for token in tokenizer.all_special_tokens if len(token) > 2)
    turns = [{"role": m.role, "content": _defuse(m.content, control)} for m in messages]
    shown = [_defuse_tool(t.openai(), control) for t in tools] or None
    text = tokenizer.apply_chat_template(turns, tools=shown, tokenize=False, add_generation_prompt=True)
    return str(text)


def prompt_ids(tokenizer: Any, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> list[int]:
    return list(tokenizer(prompt_text(tokenizer, messages, tools), add_special_tokens=False)["input_ids"])


def row_ids(tokenizer: Any, row: Row) -> tuple[list[int], int]:
    """(token ids, index of the first supervised one): everything from there on carries the loss, the stop token too."""
    prompt = prompt_ids(tokenizer, row.messages, row.tools)
    control = tuple(token for token in tokenizer.all_special_tokens if len(token) > 2)
    target = tokenizer(_defuse(row.target, control), add_special_tokens=False)["input_ids"]
    return [*prompt, *target, end_of_turn(tokenizer)], len(prompt)


def end_of_turn(tokenizer: Any) -> int:
    """The token that ends an assistant's turn."""
    found = tokenizer.convert_tokens_to_ids("<|im_end|>")
    if isinstance(found, int) and found != tokenizer.unk_token_id and found >= 0:
        return found
    return int(tokenizer.eos_token_id)


def stop_ids(tokenizer: Any, model: Path) -> list[int]:
    """Every token that ends generation: the end of turn, the tokenizer's eos, and the family's own."""
    named = [tokenizer.convert_tokens_to_ids(text) for text in family_of(model).stop]
    found = {end_of_turn(tokenizer), tokenizer.eos_token_id, *named}
    return sorted(i for i in found if isinstance(i, int) and i != tokenizer.unk_token_id)


def _defuse(text: str, control: tuple[str, ...]) -> str:
    """A zero-width space after the first character keeps a control token's text readable and without effect."""
    for token in control:
        if token in text:
            text = text.replace(token, token[0] + "\u200b" + token[1:])
    return text


def _defuse_tool(value: Any, control: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _defuse(value, control)
    if isinstance(value, list):
        return [_defuse_tool(item, control) for item in value]
    if isinstance(value, dict):
        return {_defuse(str(key), control): _defuse_tool(item, control) for key, item in value.items()}
    return value
