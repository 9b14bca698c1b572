"""Does a model's language hold together? Template, tokenizer, parser and masks are tried on each other, before any training.

    for line in examine(load_tokenizer(model)): print(line)      # raises ModelError for the first check that fails

Each check plants a fault's precondition and looks for its trace; where one is found the sentence names the family and shows the
text. Faults that others trained through: ../../docs/formats.md lists them beside the checks. What it is not: a test of the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from selfimprove.chat.families import language
from selfimprove.chat.language import Language, language_of
from selfimprove.chat.mask import Masked, conversation, parting, proved
from selfimprove.chat.parse import parse
from selfimprove.chat.probes import CALLS, HARMLESS, LATER, LOOP, RESULT, ROW, TOOLS, hostile_prompts
from selfimprove.chat.render import rows_ids, target_text
from selfimprove.chat.write import write
from selfimprove.errors import ModelError
from selfimprove.records import Answer, Call, Message, canonical_json

Finding = str
"""A sentence on a fault; it is put behind the family's name."""
Masker = Callable[[Any, Any], Masked]


def examine(tokenizer: Any, mask: Masker | None = None) -> list[str]:
    """One line for each check that passed, and notes. Raises ModelError, naming the family and showing the text.

    `mask` makes ids and spans of a row; `rows_ids` unless a test plants a faulty one.
    """
    speech = language_of(tokenizer)
    said = []
    for name, check in CHECKS.items():
        try:
            found = check(speech, mask or (lambda t, row: rows_ids(t, [row])[0]))
        except ModelError as error:
            found = str(error)
        except Exception as error:  # a template may raise anything
            found = f"the template raises {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        if found:
            raise ModelError(
                f"family {speech.family.name} ({speech.family.syntax}), check {name}: {found}; "
                "name the right family in selfimprove.json or correct the chat template, nothing is trained on it"
            )
        said.append(f"ok  {name}")
    return said + [f"note  {line}" for line in notes(speech)]


def examine_model(model: Path) -> list[str]:
    """`examine` for a model directory; nothing but its tokenizer is loaded. Raises ModelError."""
    from selfimprove.chat.render import load_tokenizer

    said = language(model)
    stated = ", ".join(f"{name} {value}" for name, value in said.items())
    return [f"ok  {stated}", *examine(load_tokenizer(model))]


def tools_survive(language: Language, _: Masker) -> Finding | None:
    """Names, argument keys and descriptions of tools reach the prompt, and one tool's keys do not leak into another."""
    text = language.prompt(HARMLESS, TOOLS)
    for tool in TOOLS:
        for part in (tool.name, tool.description, *tool.properties):
            if part not in text:
                return f"the tools are not shown: {part!r} is missing in {_end(text)}"
    without = language.prompt(HARMLESS, ())
    for word in ("null", "None"):
        if text.count(word) > without.count(word):
            return f"tools are padded: {word!r} stands in {_around(text, word)}"
    return None


def calls_survive(language: Language, _: Masker) -> Finding | None:
    """Names, argument keys, argument values and results of a conversation reach the text."""
    text = language.render(LOOP, TOOLS, prompt=False)
    for call in _calls(LOOP):
        for part in (call.name, *call.arguments, *(v for v in call.arguments.values() if isinstance(v, str) and v.isalnum())):
            if part not in text:
                return f"a call is not rendered: {part!r} is missing in {_end(text)}"
    for part in (*RESULT, LOOP[-1].content):
        if part not in text:
            return f"a turn is not rendered: {part!r} is missing in {_end(text)}"
    return None


def parser_agrees(language: Language, _: Masker) -> Finding | None:
    """The parser reads back the calls that the template wrote, and those that the family's writer writes."""
    for calls in CALLS:
        said = (*HARMLESS, Message(role="assistant", calls=calls))
        try:
            before = language.render(HARMLESS, TOOLS, prompt=True)
            text = language.render(said, TOOLS, prompt=False)
        except Exception:
            if len(calls) > 1:
                continue  # templates for models that make one call a turn refuse more: a note says so
            raise
        written = text[len(before) :] if text.startswith(before) else text[len(language.render(HARMLESS, TOOLS, prompt=False)) :]
        if found := _unlike(written, calls):
            return f"the parser does not read what the template writes: {found}"
        wanted = write(Answer(calls=calls), language.family.syntax)
        if calls is CALLS[0] and _form(wanted) not in _form(written):
            return f"the template writes a call as {_end(written)} and the family as {wanted!r}"
    if found := _unlike(target_text(language, ROW), parse(ROW.target).answer.calls):  # type: ignore[union-attr]
        return f"the parser does not read what is trained: {found}"
    return None


def prompt_is_prefix(language: Language, _: Masker) -> Finding | None:
    """The generation prompt is the beginning of the conversation that is trained, for each turn of a loop of calls."""
    for number, message in enumerate(LOOP):
        if message.role != "assistant":
            continue
        before = language.render(LOOP[:number], TOOLS, prompt=True)
        after = language.render(LOOP[: number + 1], TOOLS, prompt=False)
        if not after.startswith(before):
            return f"the generation prompt is no beginning of the training text: {_parting(before, after)}"
    return None


def prefix_is_kept(language: Language, _: Masker) -> Finding | None:
    """A result does not change what stood before it: of the prompts in a loop of calls, each begins with the last."""
    earlier = ""
    for number, message in enumerate(LOOP):
        if message.role == "assistant":
            text = language.render(LOOP[:number], TOOLS, prompt=True)
            if not text.startswith(earlier):
                return f"rendering is not prefix-preserving: {_parting(earlier, text)}"
            earlier = text
    return None


def prompt_tokens_match(language: Language, mask: Masker) -> Finding | None:
    """A training row begins with the generation prompt, token by token."""
    made = mask(language.tokenizer, ROW)
    prompt = language.encode([language.render(ROW.messages, ROW.tools, prompt=True)])[0]
    first = made.spans[0][0] if made.spans else len(made.ids)
    if made.ids[:first] != prompt:
        return (
            f"the row trains after {_end(language.decode(made.ids[:first]))} and the model is prompted with "
            f"{_end(language.decode(prompt))}"
        )
    return None


def loss_is_on_the_answer(language: Language, mask: Masker) -> Finding | None:
    """The supervised tokens decode to the answer and the stop token, in a row and in every turn of a conversation."""
    made = mask(language.tokenizer, ROW)
    wanted = target_text(language, ROW) + language.decode([language.end_of_turn])
    if found := proved(language, made, [wanted]):
        return found
    talk = conversation(language, LOOP, TOOLS)
    said = [language.decode(talk.ids[start:stop]) for start, stop in talk.spans]
    for text in said:
        if any(part in text for part in RESULT):
            return f"a tool's result carries the loss: {_end(text)}"
    if LOOP[-1].content not in said[-1]:
        return f"the last turn's loss is on {_end(said[-1])} and not on {LOOP[-1].content!r}"
    return None


def turn_ends(language: Language, _: Masker) -> Finding | None:
    """The token that ends a turn is a control token, and the one that the template puts there."""
    end = language.end_of_turn
    text = language.decode([end])
    if text not in language.control.special:
        return f"the turn ends with {text!r}, which is no control token: generation could not stop there"
    shown = language.render(LOOP, TOOLS, prompt=False)
    if text not in shown[shown.rfind(LOOP[-1].content) :]:
        return f"the template does not end the assistant's turn with {text!r}: {_end(shown)}"
    return None


def hostile_text_is_text(language: Language, _: Masker) -> Finding | None:
    """Control tokens and tags in descriptions, queries and results change nothing: as many of each as without them."""
    control = language.control
    names = {number for number, token in _added(language).items() if token in control.special}
    for messages, tools, harmless in hostile_prompts(control):
        texts = [language.prompt(messages, tools), language.prompt(harmless, TOOLS[:1])]
        counts = [{t: ids.count(t) for t in names if t in ids} for ids in language.encode(texts)]
        if counts[0] != counts[1]:
            return f"text of others changes the structure of the prompt: {_end(texts[0])}"
        for mark in control.marks:
            if texts[0].count(mark) > texts[1].count(mark):
                return f"{mark!r} in text of others reaches the prompt unchanged: {_around(texts[0], mark)}"
    return None


def datasets_keep_tools(_: Language, __: Masker) -> Finding | None:
    """Tools survive the `datasets` round trip byte for byte: unlike schemas as columns come back padded with nulls."""
    return round_trip(lambda tool: canonical_json(tool))


def round_trip(pack: Callable[[dict[str, Any]], Any]) -> Finding | None:
    """`pack` is how a tool is put into a column: as canonical JSON text, unless a test plants another way."""
    from datasets import Dataset

    tools = [tool.openai() for tool in TOOLS]
    back = Dataset.from_list([{"tool": pack(tool)} for tool in tools])["tool"]
    for tool, found in zip(tools, back, strict=True):
        text = found if isinstance(found, str) else canonical_json(found)
        if text != canonical_json(tool):
            return f"a tool comes back from `datasets` as {text[:200]} and was {canonical_json(tool)[:200]}"
    return None


CHECKS: dict[str, Callable[[Language, Masker], Finding | None]] = {
    "tools survive rendering": tools_survive,
    "calls and results survive rendering": calls_survive,
    "the parser reads what the template writes": parser_agrees,
    "the generation prompt is a prefix": prompt_is_prefix,
    "rendering is prefix-preserving": prefix_is_kept,
    "the turn ends with a control token": turn_ends,
    "the loss is on the answer and the stop token": loss_is_on_the_answer,
    "the generation prompt is the training prefix": prompt_tokens_match,
    "hostile text changes no structure": hostile_text_is_text,
    "tools survive datasets": datasets_keep_tools,
}


def notes(language: Language) -> Iterator[str]:
    """What is no fault but decides what can be trained."""
    tokenizer = language.tokenizer
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id == language.end_of_turn:
        yield "pad is the token that ends a turn: the loss goes by position, so it hides nothing here"
    if not language.shows_calls:
        yield "the template shows no calls of earlier turns: they are written into the assistant's text"
    spans = conversation(language, LATER, TOOLS).spans
    if len(spans) < sum(message.role == "assistant" for message in LATER):
        yield "the template rewrites earlier turns: of a conversation only the turns that it keeps carry the loss"
    try:
        language.render((*HARMLESS, Message(role="assistant", calls=CALLS[1])), TOOLS, prompt=False)
    except Exception as error:
        said = str(error).splitlines()[0]
        yield f"the template shows one call a turn ({said}): parallel calls are trained in the family's syntax"


def _calls(messages: tuple[Message, ...]) -> Iterator[Call]:
    return (call for message in messages for call in message.calls)


def _unlike(text: str, calls: tuple[Call, ...]) -> str | None:
    parsed = parse(text)
    found = parsed.answer.calls if parsed.answer else ()
    if [canonical_json(c.model_dump()) for c in found] == [canonical_json(c.model_dump()) for c in calls]:
        return None
    read = parsed.problem or json.dumps([c.model_dump() for c in found], ensure_ascii=False)
    return f"{_end(text)} is read as {read}"


def _form(text: str) -> str:
    """A call's text without what templates are free in: white space, and an id beside the call."""
    return re.sub(r'\s|,\s*"id":\s*"\w+"|"type":\s*"function",\s*', "", text)


def _added(language: Language) -> dict[int, str]:
    added = getattr(language.tokenizer, "added_tokens_decoder", None) or {}
    return {int(number): str(token) for number, token in added.items()}


def _parting(one: str, other: str) -> str:
    place = parting(one, other)
    return f"{one[place : place + 60]!r} against {other[place : place + 60]!r} after {one[max(0, place - 40) : place]!r}"


def _around(text: str, word: str) -> str:
    place = text.find(word)
    return repr(text[max(0, place - 40) : place + 40])


def _end(text: str) -> str:
    return repr(text if len(text) <= 120 else f"...{text[-120:]}")
