"""Which tokens carry the loss: the assistant's, with the token that ends its turn; never a prompt's and never a tool's.

    conversation(language, messages, tools).spans      # one [start, end) for each turn of the assistant that is supervised
    proved(language, masked, texts)                    # None, or the sentence that says what is wrong

By generation markers where the template has them, else by rendering up to each turn. A template that rewrites earlier turns
(Qwen3 drops their thoughts) shows them otherwise than they were generated: those turns carry no loss. A mask by prefix
length alone is wrong there (NeMo Automodel 3024, verl PR 7322), so every span is decoded and compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import ModelError
from selfimprove.records import Message, Tool

if TYPE_CHECKING:
    from selfimprove.chat.language import Language

_MARKERS = re.compile(r"\{%-?\s*generation\s*-?%\}")


class Masked(NamedTuple):
    """Token ids of a row, and the [start, end) positions that carry the loss."""

    ids: list[int]
    spans: tuple[tuple[int, int], ...]

    @property
    def supervised(self) -> int:
        return sum(end - start for start, end in self.spans)


class Segment(NamedTuple):
    """A piece of a rendered conversation."""

    text: str
    supervised: bool


def conversation(language: Language, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Masked:
    """A whole conversation that ends with the assistant. Raises ModelError when its last turn cannot be masked."""
    if not messages or messages[-1].role != "assistant":
        raise ModelError(f"family {language.family.name}: a conversation to be trained must end with the assistant's turn")
    parts = _marked(language, messages, tools) if _has_markers(language) else _segments(language, messages, tools)
    encoded = language.encode([parts[0].text]) + [language.encode_after([part.text])[0] for part in parts[1:]]
    ids: list[int] = []
    spans = []
    for part, tokens in zip(parts, encoded, strict=True):
        if part.supervised:
            spans.append((len(ids), len(ids) + len(tokens)))
        ids += tokens
    found = Masked(ids, tuple(spans))
    if said := proved(language, found, [part.text for part in parts if part.supervised]):
        raise ModelError(f"family {language.family.name}: {said}")
    return found


def _has_markers(language: Language) -> bool:
    template = getattr(language.tokenizer, "chat_template", None)
    return isinstance(template, str) and bool(_MARKERS.search(template))


def _segments(language: Language, messages: Sequence[Message], tools: Sequence[Tool]) -> list[Segment]:
    """The conversation's text, cut where each turn of the assistant begins and where its end token ends."""
    text = language.render(messages, tools, prompt=False)
    end = language.decode([language.end_of_turn])
    parts: list[Segment] = []
    position = 0
    for number, message in enumerate(messages):
        if message.role != "assistant":
            continue
        last = number == len(messages) - 1
        before = language.render(messages[:number], tools, prompt=True)
        after = language.render(messages[: number + 1], tools, prompt=False)
        said = after[len(before) :]
        stop = len(before) + said.rfind(end) + len(end)
        if not after.startswith(before) or end not in said or not text.startswith(after[:stop]):
            if last:
                raise ModelError(
                    f"family {language.family.name}: the prompt is no beginning of the trained conversation "
                    f"({_difference(before, text)}); train single turns, or use a template that does not rewrite"
                )
            continue
        parts += [Segment(text[position : len(before)], False), Segment(text[len(before) : stop], True)]
        position = stop
    return parts


def _marked(language: Language, messages: Sequence[Message], tools: Sequence[Tool]) -> list[Segment]:
    """By the template's own markers, in characters: rendered again with marks of ours in their place."""
    tokenizer, template = language.tokenizer, language.tokenizer.chat_template
    opened = _MARKERS.sub(lambda found: found[0] + "{{- '\ue002' -}}", template)
    closed = re.sub(r"\{%-?\s*endgeneration\s*-?%\}", lambda found: "{{- '\ue003' -}}" + found[0], opened)
    try:
        tokenizer.chat_template = closed
        text = language.render(messages, tools, prompt=False)
    finally:
        tokenizer.chat_template = template
    end = language.decode([language.end_of_turn])
    parts: list[Segment] = []
    pieces = re.split("\ue002(.*?)\ue003", text, flags=re.DOTALL)
    for number, piece in enumerate(pieces):
        if number % 2 == 0 and parts and piece.startswith(end) and not parts[-1].text.endswith(end):
            # The end of turn outside the markers would never be learned (open-r1 PR 494).
            parts[-1] = Segment(parts[-1].text + end, True)
            piece = piece[len(end) :]
        parts.append(Segment(piece, number % 2 == 1))
    if "".join(part.text for part in parts) != language.render(messages, tools, prompt=False):
        raise ModelError(f"family {language.family.name}: its generation markers do not enclose the assistant's turns")
    return [part for part in parts if part.text]


def proved(language: Language, masked: Masked, texts: Sequence[str]) -> str | None:
    """Decodes the spans: they must say these texts, be in order, and end with the token that ends a turn."""
    if not masked.supervised or not texts:
        return "no token carries the loss"
    if len(masked.spans) != len(texts):
        return f"{len(masked.spans)} spans carry the loss where the assistant speaks {len(texts)} times"
    position = 0
    for (start, stop), text in zip(masked.spans, texts, strict=True):
        if not position <= start < stop <= len(masked.ids):
            return f"the span {start}-{stop} lies outside the row of {len(masked.ids)} tokens or over another"
        position = stop
        said = language.decode(masked.ids[start:stop])
        if not language.same(said, text):
            return f"the tokens with the loss say {_short(said)} and not {_short(text)}"
        if masked.ids[stop - 1] != language.end_of_turn:
            return f"the token that ends the turn is outside the loss (it ends with {_short(said[-20:])})"
    return None


def parting(one: str, other: str) -> int:
    """The position from which two texts differ; the end of the shorter one where it begins the other."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _difference(prompt: str, text: str) -> str:
    place = parting(prompt, text)
    return f"prompted with {_short(prompt[place:])}, trained after {_short(text[place:])}"


def _short(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else f"{text[:most]}...")
