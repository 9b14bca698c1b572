"""A tokenizer with its family: how messages become text, text becomes tokens, and which token ends a turn. Workers only.

    language = language_of(tokenizer)
    language.render(messages, tools, prompt=True)

Kept on the tokenizer, so that everything that has the tokenizer speaks the same language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from selfimprove.chat.control import Control, control_of
from selfimprove.chat.families import FAMILIES, FORMS, Family
from selfimprove.chat.write import write
from selfimprove.records import Answer, Message, Tool

_PLACE = "\ue000{}\ue001"
"""Private characters around a name: text that no tokenizer or template treats specially, to be replaced."""
_PLACES = re.compile("\ue000(\\w+)\ue001")

_MOST_TOOLS = 50_000
"""Tools whose form is kept in memory at once."""


def language_of(tokenizer: Any, family: Family | None = None) -> Language:
    found = getattr(tokenizer, "selfimprove_language", None)
    if not isinstance(found, Language) or family:
        found = Language(tokenizer, family or FAMILIES["hermes"])
        tokenizer.selfimprove_language = found
    return found


@dataclass
class Language:
    """`family` says how calls are written; the tokenizer's chat template says everything else."""

    tokenizer: Any
    family: Family
    _lines: dict[str, str] = field(default_factory=dict)
    _frames: dict[tuple[str, ...], str] = field(default_factory=dict)
    _tools: dict[str, dict[str, Any]] = field(default_factory=dict)

    @cached_property
    def control(self) -> Control:
        return control_of(self.tokenizer)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool] = (), *, prompt: bool) -> str:
        """The template's text; `prompt`: with what makes the assistant begin. Raises what the template raises."""
        turns = _turns(messages, self)
        shown = [self._shown(tool) for tool in tools] or None
        return str(self.tokenizer.apply_chat_template(turns, tools=shown, tokenize=False, add_generation_prompt=prompt))

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """As `render(..., prompt=True)`. The project's own template is put together from parts that are rendered once:
        it shows tools one after the other and contents as they are."""
        if not self.family.template or any(message.calls for message in messages):
            return self.render(messages, tools, prompt=True)
        roles = tuple(message.role for message in messages)
        key = (*roles, "tools" if tools else "")
        if key not in self._frames:
            places = [Message(role=role, content=_PLACE.format(number)) for number, role in enumerate(roles)]
            self._frames[key] = self.render(places, (_PLACE_OF_TOOLS,) if tools else (), prompt=True)
        texts = {str(number): _said(message, self) for number, message in enumerate(messages)}
        texts["tools"] = "\n".join(self._line(tool) for tool in tools)
        frame = self._frames[key].replace(_PLACE.format("tools") + _AFTER_NAME, _PLACE.format("tools"))
        return _PLACES.sub(lambda found: texts[found[1]], frame)

    def _shown(self, tool: Tool) -> dict[str, Any]:
        """A tool as templates take it, without effect; templates cannot change it (transformers renders in a sandbox)."""
        key = tool.model_dump_json()
        if key not in self._tools:
            if len(self._tools) > _MOST_TOOLS:
                self._tools.clear()
            self._tools[key] = self.control.defuse_value(tool.openai())
        return self._tools[key]

    def _line(self, tool: Tool) -> str:
        key = tool.model_dump_json()
        if key not in self._lines:
            empty = self.render(_ANY, (_PLACE_OF_TOOLS,), prompt=False)
            before, after = empty.split(_PLACE.format("tools") + _AFTER_NAME)
            if len(self._lines) > _MOST_TOOLS:
                self._lines.clear()
            self._lines[key] = self.render(_ANY, (tool,), prompt=False).removeprefix(before).removesuffix(after)
        return self._lines[key]

    @cached_property
    def shows_calls(self) -> bool:
        """Whether the template renders an assistant's calls; SmolLM3's does not, and they are written into the text."""
        place = _PLACE.format("call")
        call = {"id": "call00000", "type": "function", "function": {"name": place, "arguments": {}}}
        turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "", "tool_calls": [call]}]
        try:
            return place in str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=False))
        except Exception:  # what it raises is shown where a conversation is rendered
            return True

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of whole prompts, all at once where the tokenizer can."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return [list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
        return [list(found.ids) for found in backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode_after(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts that go on after a prompt: without the space that some tokenizers put in front."""
        if not self._puts_space:
            return self.encode(texts)
        skip = len(self.encode(["\n"])[0])
        return [ids[skip:] for ids in self.encode([f"\n{text}" for text in texts])]

    @cached_property
    def _puts_space(self) -> bool:
        decode = getattr(self.tokenizer, "decode", None)
        first, second = self.encode(["a", "b"])
        return decode is not None and str(decode([*first, *second])) != "ab"

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def same(self, said: str, text: str) -> bool:
        """Whether decoded tokens say a text, up to the space that some tokenizers put in front and after control tokens."""
        if said == text or not self._puts_space:
            return said == text
        after = re.compile("(^|" + "|".join(map(re.escape, self.control.special)) + ") ")
        return after.sub(r"\1", said) == after.sub(r"\1", text)

    @cached_property
    def end_of_turn(self) -> int:
        """The token that the template puts behind what the assistant said; else the tokenizer's end."""
        known = self.tokenizer.convert_tokens_to_ids
        for text in (self._after_answer(), "<|im_end|>"):
            found = known(text) if text else None
            if isinstance(found, int) and found >= 0 and found != self.tokenizer.unk_token_id:
                return found
        return int(self.tokenizer.eos_token_id)

    def _after_answer(self) -> str:
        """The control token that stands right behind the assistant's text, or nothing."""
        place = _PLACE.format("answer")
        said = (Message(role="user", content="u"), Message(role="assistant", content=place))
        try:
            after = self.render(said, prompt=False).rpartition(place)[2].lstrip()
        except Exception:  # a template may raise anything; the doctor shows what
            return ""
        return max((token for token in self.control.special if after.startswith(token)), key=len, default="")


_PLACE_OF_TOOLS = Tool(name=_PLACE.format("tools"), parameters={"type": "object", "properties": {}})
_ANY = (Message(role="system", content=""),)
_AFTER_NAME = "() "
"""What the project's template writes behind the name of a tool without parameters and description."""


def _turns(messages: Sequence[Message], language: Language) -> list[dict[str, Any]]:
    """As templates take them. Ids of calls are nine letters and digits: Mistral's templates refuse any other."""
    turns: list[dict[str, Any]] = []
    made: list[tuple[str, str]] = []
    answered = 0
    for message in messages:
        turn: dict[str, Any] = {"role": message.role, "content": _said(message, language)}
        if message.calls and not language.shows_calls:
            written = write(Answer(calls=message.calls), language.family.syntax)
            turn["content"] = "\n".join(filter(None, (turn["content"], written)))
        elif message.calls:
            ids = [f"call{len(made) + number:05d}" for number in range(len(message.calls))]
            made += [(id_, call.name) for id_, call in zip(ids, message.calls, strict=True)]
            turn["tool_calls"] = [
                {"id": id_, "type": "function", "function": language.control.defuse_value(call.model_dump(mode="json"))}
                for id_, call in zip(ids, message.calls, strict=True)
            ]
        if message.role == "tool" and answered < len(made):
            turn["tool_call_id"], turn["name"] = made[answered]
            answered += 1
        turns.append(turn)
    return turns


def _said(message: Message, language: Language) -> str:
    if message.role in ("user", "tool"):
        return language.control.defuse_all(message.content)
    content = message.content
    if message.role == "system" and language.family.syntax in FORMS:
        content = content.replace(FORMS["hermes"], FORMS[language.family.syntax])
    return language.control.defuse_special(content)
