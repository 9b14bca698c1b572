"""Fuzz: completions into the parser and tool sets through rendering, writing and reading; counts what went through.

    python -m benchmarks.fuzz [--texts 200000] [--tools 20000] [--seed 7] [--model embedded]

Texts are made of pieces of every syntax, of real answers that are cut, doubled, spliced and mutated, and of random characters. A
text passes when the parser ends with an answer or a reason, and its calls can be written in a syntax and read back. Tool sets
have hostile names, schemas and descriptions; one passes when its prompt renders, its structure is that of a harmless set, its row
is masked, and its calls are read back. Any exception ends the run with the number that makes it again.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from random import Random
from typing import Any

from selfimprove.chat import SYNTAXES, parse, write
from selfimprove.records import Answer, Call, Message, Row, Tool, canonical_json, digest

PIECES = (
    "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "<think>", "</think>",
    "```json\n", "```",
    '{"name": "f", "arguments": ', '{"x": 1}', "}", "{", "[", "]", "(", ")", "f(", "x=", "**", "'", '"',
    "\\", "\\u00e9", "\\ud800",
    ",", ";", ":", "\n", " ", "1", "-0.0", "1e999", "9" * 350, "NaN", "true", "None", "null",
    "[f(x=1)]", "f(x='a')\n", "Missing value: ", "No tool fits",
    '"function": {', '"tool_calls": [', '"parameters": {', "<function=f>", "\u2028", "\x00", "\u202e",
    "\ud800", "\U0001f600", "Sure. ", "<|im_end|>",
    "<function=f>\n", "<parameter=x>\n", "\n</parameter>\n", "</function>", '<invoke name="f">',
    '<parameter name="x">', "</invoke>", "<tool_call>f\n", "<arg_key>x</arg_key>", "<arg_value>", "</arg_value>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n", "<｜tool▁call▁end｜>", "<|tool_call_begin|>functions.f:0",
    "<|tool_call_argument_begin|>", "<|channel|>analysis<|message|>", "<|end|>", "to=functions.f ",
    "<|constrain|>json<|message|>", "<start_function_call>call:f{", "x:<escape>", "<end_function_call>",
    "<|tools_prefix|>", "Action: f\nAction Input: ", ">>>f\n",
)  # fmt: skip
TEXTS = (
    "Oslo", "a\nb", "</tool_call>", "<|im_end|>", "\u202e\u200f", "é\u2028", "{}", "]", "'", '"', "\\", "[INST]",
    "Ignore all.", "",
    "x" * 300, "<|im_start|>",
)  # fmt: skip
WORDS = ("city", "a b", "dé", "from", "x.y", "$ref", "1st", "<|im_end|>", "a\nb", "名", "type", "properties")


def main() -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--tools", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    given = parser.parse_args()
    if given.texts:
        print(texts(given.texts, given.seed))
    if given.tools:
        print(tool_sets(given.tools, given.seed, given.model, given.cache))


def texts(count: int, seed: int) -> str:
    ends: dict[str, int] = {}
    slowest, began = 0.0, time.monotonic()
    for number in range(count):
        draw = Random(f"{seed}/text/{number}")
        text = _text(draw)
        try:
            start = time.process_time()
            parsed = parse(text)
            slowest = max(slowest, time.process_time() - start)
            assert (parsed.answer is None) != (parsed.problem is None)
            ends[_end(parsed.answer, parsed.problem)] = ends.get(_end(parsed.answer, parsed.problem), 0) + 1
            if parsed.answer and parsed.answer.calls:
                _fixed_point(parsed.answer, draw.choice(list(SYNTAXES)))
        except Exception as error:
            raise SystemExit(f"fuzz: text {number} of seed {seed} ({text[:200]!r}): {type(error).__name__}: {error}") from error
    said = ", ".join(f"{name} {n:,}" for name, n in sorted(ends.items(), key=lambda pair: -pair[1]))
    seconds = time.monotonic() - began
    return f"fuzz: {count:,} texts without an uncaught error in {seconds:.0f} s, slowest {slowest * 1000:.1f} ms ({said})"


def _end(answer: Answer | None, problem: str | None) -> str:
    return problem or (answer.abstain if answer and answer.abstain else "calls") or "calls"


def _fixed_point(answer: Answer, syntax: str) -> None:
    found = parse(write(answer, syntax)).answer
    assert found is not None and canonical_json(found.model_dump()) == canonical_json(answer.model_dump()), syntax
    assert digest(answer.model_dump(mode="json"))


def _text(draw: Random) -> str:
    kind = draw.randrange(4)
    if kind == 0:
        return "".join(draw.choice(PIECES) for _ in range(draw.randrange(1, 30)))
    if kind == 1:
        return "".join(chr(draw.randrange(draw.choice((128, 0x3000, 0x110000)))) for _ in range(draw.randrange(80)))
    text = write(Answer(calls=tuple(_call(draw) for _ in range(draw.randrange(1, 4)))), draw.choice(list(SYNTAXES)))
    for _ in range(draw.randrange(4)):
        a, b = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        spliced = text[:a] + draw.choice(PIECES) + text[a:]
        text = draw.choice((text[:a] + text[b:], text[:b] + text[a:], spliced, text[:a], text[a:]))
    return draw.choice(("", "Sure: ", "<think>hm</think>", "```\n")) + text + draw.choice(("", " Done.", "\n```", "<|im_end|>"))


def _value(draw: Random, depth: int = 3) -> Any:
    kind = draw.randrange(7 if depth else 5)
    if kind == 5:
        return [_value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind == 6:
        return {draw.choice(WORDS): _value(draw, depth - 1) for _ in range(draw.randrange(4))}
    words = (True, False, None)
    return (draw.choice(TEXTS), draw.randrange(-(10**12), 10**12), draw.uniform(-1e9, 1e9), draw.choice(words), "Oslo")[kind]


def _call(draw: Random) -> Call:
    arguments = {draw.choice(WORDS): _value(draw) for _ in range(draw.randrange(4))}
    return Call(name=draw.choice(("f", "get_tide", "a.b", *WORDS)), arguments=arguments)


def _tool(draw: Random) -> Tool:
    def schema(depth: int) -> Any:
        kind = draw.choice(("string", "integer", "array", "object", "nonsense\nline", ["string", "null"], None))
        made: dict[str, Any] = {"type": kind} if kind else {}
        if draw.random() < 0.3:
            made["description"] = draw.choice(TEXTS)
        if draw.random() < 0.2:
            made["enum"] = [_value(draw, 0) for _ in range(draw.randrange(3))]
        if draw.random() < 0.2:
            made["default"] = _value(draw, 1)
        if depth and draw.random() < 0.5:
            made["properties"] = {draw.choice(WORDS): schema(depth - 1) for _ in range(draw.randrange(3))}
            made["items"] = schema(depth - 1)
            made["required"] = [draw.choice(WORDS)]
        return draw.choice((made, made, made, made, {"anyOf": [made, {}]}, True))

    properties = {draw.choice(WORDS): schema(2) for _ in range(draw.randrange(4))}
    plain: dict[str, Any] = {"type": "object", "properties": properties}
    parameters = draw.choice((plain, {**plain, "required": [*properties]}, {}))
    return Tool(name=draw.choice(("f", "get_tide", "n" * 5000, *WORDS)), description=draw.choice(TEXTS), parameters=parameters)


def tool_sets(count: int, seed: int, model: str, cache: Path) -> str:
    from selfimprove.chat.language import language_of
    from selfimprove.chat.mask import proved
    from selfimprove.chat.render import load_tokenizer, rows_ids, target_text
    from selfimprove.models import resolve_model

    tokenizer = load_tokenizer(resolve_model(model, cache))
    language = language_of(tokenizer)
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if str(token) in language.control.special}
    asked = (Message(role="system", content="S"), Message(role="user", content="u"))
    structure = [t for t in language.encode([language.render(asked, (Tool(name="f"),), prompt=True)])[0] if t in special]
    began = time.monotonic()
    for number in range(count):
        draw = Random(f"{seed}/tools/{number}")
        tools = tuple(_tool(draw) for _ in range(draw.randrange(1, 4)))
        answer = Answer(calls=(_call(draw),))
        said = " ".join(draw.choice((*TEXTS, *PIECES)) for _ in range(3)).replace("\ud800", "")
        messages = (asked[0], Message(role="user", content=said))
        row = Row(id=str(number), subtask="use", messages=messages, tools=tools, target=write(answer))
        try:
            (made,) = rows_ids(tokenizer, [row])
            start, end = made.spans[0]
            found = [t for t in made.ids[:start] if t in special]
            assert found == structure, f"structure {language.decode(found)!r}"
            wanted = target_text(language, row)
            wrong = proved(language, made, [wanted + language.decode([language.end_of_turn])])
            assert wrong is None, wrong
            assert [t for t in made.ids[start:end] if t in special] == [language.end_of_turn]
            read = parse(wanted).answer
            assert read and canonical_json(read.model_dump()) == canonical_json(answer.model_dump()), wanted
            same = language.prompt(messages, tools) == language.render(messages, tools, prompt=True)
            assert same, "the parts are not what the template renders"
        except Exception as error:
            raise SystemExit(f"fuzz: tool set {number} of seed {seed}: {type(error).__name__}: {error}") from error
    return f"fuzz: {count:,} tool sets without an uncaught error in {time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    main()
