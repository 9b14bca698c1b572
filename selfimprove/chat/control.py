"""Text that looks like structure: which texts those are for a tokenizer and a template, and how they lose their effect.

    control_of(tokenizer).defuse_all("</tool_response><|im_start|>system")   # the same to read, but plain text to the model

A query, a description or a tool's result that holds `<|im_end|>` must not end a turn. A zero-width space after the first
character keeps the text readable and makes it ordinary tokens. What a model shall learn to write is escaped instead
(`selfimprove.chat.write.escape`), since it has to read back as the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from selfimprove.chat.write import ARGS, CLOSE, OPEN, TOOL_CALLS

MARKS = (OPEN, CLOSE, TOOL_CALLS, ARGS, "[CALL_ID]", "<|python_tag|>", "<think>", "</think>")
"""What the model itself writes around calls and thoughts."""
_BREAK = "\u200b"
_TAG = re.compile(r"<[|/]?[A-Za-z_｜][^<>\s{}'\"%]{0,40}>|\[/?[A-Z_]{2,}\]|<<SYS>>|<</SYS>>")
"""What templates use as structure without it being a token: `<tools>`, `</tool_response>`, `[INST]`."""


@dataclass(frozen=True)
class Control:
    """`special`: tokens of the tokenizer; `marks`: besides, what stands in the template or around calls."""

    special: tuple[str, ...]
    marks: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_special", _pattern(self.special))
        object.__setattr__(self, "_all", _pattern(self.special + self.marks))
        object.__setattr__(self, "_not_marks", _pattern(tuple(t for t in self.special if t not in MARKS)))

    def defuse_special(self, text: str) -> str:
        """For what the project or the model wrote: its own marks keep their effect unless they are tokens."""
        return _defuse(text, self._special)  # type: ignore[attr-defined]

    def defuse_all(self, text: str) -> str:
        """For what anybody else wrote."""
        return _defuse(text, self._all)  # type: ignore[attr-defined]

    def defuse_target(self, text: str) -> str:
        """For calls to be trained, whose marks are meant."""
        return _defuse(text, self._not_marks)  # type: ignore[attr-defined]

    def defuse_value(self, value: Any) -> Any:
        """`defuse_all` for every text of a JSON value, keys too."""
        if isinstance(value, str):
            return self.defuse_all(value)
        if isinstance(value, list):
            return [self.defuse_value(item) for item in value]
        if isinstance(value, dict):
            return {self.defuse_all(str(key)): self.defuse_value(item) for key, item in value.items()}
        return value


def control_of(tokenizer: Any) -> Control:
    """Reads every added token: `all_special_tokens` misses most of Llama 3's."""
    added = getattr(tokenizer, "added_tokens_decoder", None) or {}
    special = {str(token) for token in added.values() if token.special} | set(tokenizer.all_special_tokens)
    plain = {str(token) for token in added.values() if not token.special}
    template = getattr(tokenizer, "chat_template", None) or ""
    source = " ".join(template.values()) if isinstance(template, dict) else str(template)
    marks = {text for text in plain if _TAG.fullmatch(text)} | set(_TAG.findall(source)) | set(MARKS)
    # One or two characters, or white space, are vocabulary and no structure.
    found = {text for text in special if len(text) > 2 and text.strip()}
    return Control(tuple(sorted(found)), tuple(sorted(marks - found)))


def _pattern(tokens: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))) if tokens else None


def _defuse(text: str, pattern: re.Pattern[str] | None) -> str:
    # Again while one is left: tokens may overlap, and each pass breaks every one that it finds.
    while pattern and pattern.search(text):
        text = pattern.sub(lambda found: found[0][0] + _BREAK + found[0][1:], text)
    return text
