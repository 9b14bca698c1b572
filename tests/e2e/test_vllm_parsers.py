"""What a served model's calls are read as: vLLM's own parsers and ours agree wherever both read the syntax.

Where ours reads more (a name without arguments, Python literals between tags, dotted names, bare JSON), vLLM's gives prose: then
there is nothing to agree on. Where vLLM's finds calls, ours must find the same ones.
"""

from __future__ import annotations

import json
import logging
import random
from typing import Any

import pytest

from selfimprove.chat import FAMILIES, parse, write
from selfimprove.records import Answer, Call

pytestmark = pytest.mark.real
SEED, CASES = 7, 150
MARKS = ("<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]")


class Tokenizer:
    """What the parsers ask of a tokenizer: which marks are tokens."""

    def __init__(self, *more: str) -> None:
        self.vocabulary = {mark: number for number, mark in enumerate((*MARKS, *more))}

    def get_vocab(self) -> dict[str, int]:
        return self.vocabulary

    get_added_vocab = get_vocab


class Asked:
    """What the parsers ask of a request."""

    tools = (1,)
    tool_choice = "auto"
    include_reasoning = False


def theirs(parser: str, text: str, tokenizer: Tokenizer) -> list[Any] | None:
    from vllm.tool_parsers import ToolParserManager

    logging.disable(logging.CRITICAL)
    try:
        found = ToolParserManager.get_tool_parser(parser)(tokenizer, None).extract_tool_calls(text, Asked())
    finally:
        logging.disable(logging.NOTSET)
    if not found.tools_called:
        return None
    return [(call.function.name, json.loads(call.function.arguments)) for call in found.tool_calls]


def ours(text: str) -> list[Any] | None:
    answer = parse(text).answer
    return [(call.name, call.arguments) for call in answer.calls] or None if answer else None


def value(draw: random.Random, depth: int = 2) -> Any:
    texts = ["Oslo", "it's \"so\"", "a\nb", "é\u2028", "", "{}", "[1]", "x=1", "a, b", "</b>", "\\n", "'"]
    plain: list[Any] = [None, True, False, 0, -7, 2.5, 1e30, 10**20, *texts]
    kind = draw.randrange(4 if depth else 2)
    if kind == 2:
        return [value(draw, depth - 1) for _ in range(draw.randrange(3))]
    if kind == 3:
        return {draw.choice(["a", "b c", "d"]): value(draw, depth - 1) for _ in range(draw.randrange(3))}
    return draw.choice(plain)


def answers() -> list[Answer]:
    draw = random.Random(SEED)
    return [
        Answer(calls=tuple(
            Call(
                name=draw.choice(["f", "get_tide", "find2"]),
                arguments={k: value(draw) for k in draw.sample("abcd", draw.randrange(3))},
            )
            for _ in range(draw.randrange(1, 4))
        ))
        for _ in range(CASES)
    ]  # fmt: skip


@pytest.mark.parametrize("family", [f for f in FAMILIES if FAMILIES[f].syntax != "brackets"])
def test_what_a_family_writes_is_read_alike(family: str) -> None:
    row = FAMILIES[family]
    tokenizer = Tokenizer("[ARGS]") if row.syntax == "mistral-args" else Tokenizer()
    for answer in answers():
        text = write(answer, row.syntax)
        wanted = [(call.name, call.arguments) for call in answer.calls]
        assert ours(text) == wanted
        assert theirs(row.vllm_parser, text, tokenizer) == wanted, text


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ("hermes", 'Sure.\n<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'),
        ("hermes", '<tool_call>{"name": "f", "arguments": {"x": 1}}'),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}}</tool_call> <tool_call>{"name": "g", "arguments": {}}</tool_call>'),
        ("llama3_json", '<|python_tag|>{"name": "f", "parameters": {"x": 1}}; {"name": "g", "arguments": {}}'),
        ("llama3_json", 'Sure: {"name": "f", "parameters": {"x": {"name": "a", "arguments": {}}}} ok'),
        ("mistral", '[TOOL_CALLS] [{"name": "f", "arguments": {"x": "]"}, "id": "a1b2c3d4e"}]'),
        ("mistral", 'text [TOOL_CALLS]{"name": "f", "arguments": {"x": 1}}'),
        ("pythonic", "[f(x='a', y=[1, -2], z={'k': None}), g()]"), ("pythonic", "[f(x=(1, 2), y=true, z=0x10)]"),
        ("pythonic", "[f(x='a' \"b\")]"), ("xlam", '```json\n[{"name": "f", "arguments": {"x": 1}}]\n```'),
    ],
)  # fmt: skip
def test_what_models_write_is_read_alike(parser: str, text: str) -> None:
    found = theirs(parser, text, Tokenizer())
    assert found and ours(text) == found


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ("hermes", "No tool fits."), ("hermes", '<tool_call>{"name": "f", "arguments": {}</tool_call>'),
        ("hermes", "<tool_call>{"),
        ("hermes", '<tool_call>{"name": "f", "arguments": {}}}</tool_call>'), ("llama3_json", '{"name": "f", "parameters": {'),
        ("llama3_json", "The set {x | x > 0}."), ("mistral", "[TOOL_CALLS] [{"), ("pythonic", "[f(x=y)]"), ("pythonic", "[f(x=1"),
        ("pythonic", "[1] See the manual."), ("pythonic", "[f(x=g(1))]"),
    ],
)  # fmt: skip
def test_what_is_no_call_is_none_for_both(parser: str, text: str) -> None:
    assert not theirs(parser, text, Tokenizer()) and ours(text) is None
