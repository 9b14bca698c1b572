"""What model families write around their calls and thoughts, in one place for whoever reads or looks for them.

    OPENS.match("<|tool_call_start|>[f(x=1)]<|tool_call_end|>")[0], close_of("<|tool_call_start|>")

A section stands around one or several calls. Which syntax those are in is seen from what stands there (`marked.py`), so that one
table serves all families. Formats of: Hermes, Qwen 2 to 3.5, GLM, Granite, Phi, Nemotron, Jamba, Hunyuan, MiniMax, Seed, LongCat,
Olmo, LFM, Llama 4, Command R and A, InternLM, Apertus, DeepSeek R1 to V4, Kimi K2, FunctionGemma, Gemma 4, gpt-oss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PREFIX = r"(?:[|｜]{1,2}DSML[|｜]{1,2}|[a-z]{1,20}:)?"
"""DeepSeek's and others' own name space, before the words that they share."""
_CLOSES = {
    "<｜tool▁calls▁begin｜>": "<｜tool▁calls▁end｜>", "<|tool_calls_section_begin|>": "<|tool_calls_section_end|>",
    "<|tool_call_section_begin|>": "<|tool_call_section_end|>", "<|tool_call_start|>": "<|tool_call_end|>",
    "<|python_start|>": "<|python_end|>", "<|START_ACTION|>": "<|END_ACTION|>", "<|action_start|>": "<|action_end|>",
    "<|tools_prefix|>": "<|tools_suffix|>", "<|tool_call|>": "<|/tool_call|>", "<|tool_calls|>": "<|/tool_calls|>",
    "<start_function_call>": "<end_function_call>", "<|tool_call>": "<tool_call|>",
}  # fmt: skip
NAMED_BY_KEY = "<|tools_prefix|>"
"""The section in which `{"f": {...}}` is a call of `f`."""
_THOUGHTS = {
    "<|START_THINKING|>": "<|END_THINKING|>", "<|inner_prefix|>": "<|inner_suffix|>", "<|channel>thought": "<channel|>",
    "◁think▷": "◁/think▷",
}  # fmt: skip
_CLOSES |= _THOUGHTS


def _any(marks: Iterable[str]) -> str:
    """Without the sign that all begin with: one look at it is enough for nearly every place in a text."""
    return "|".join(re.escape(mark[1:]) for mark in marks if mark[0] == "<")


SECTION = (
    rf"<(?:{PREFIX}(?:tool_calls?|function_calls?)>|(?:TOOLCALL|functioncall|longcat_tool_call)>|"
    rf"{_any(mark for mark in _CLOSES if mark not in _THOUGHTS)})"
)
CALL = (
    rf"<(?:function=|{PREFIX}invoke\s+name=|｜tool[▁_]call[▁_]begin｜>|\|tool_call_begin\|>|"
    r"\|recipient\|>(?!\s*+all\b))"
)
"""Where one call begins whose marks say so, within a section or without one."""
AROUND_VALUE = r"</?arg_(?:key|value)>|<parameter=|<escape>|<\|\"\|>"
"""What some syntaxes write around names and values; other tags of theirs any text in XML may have."""
ARGUMENT = (
    rf"{AROUND_VALUE}|<{PREFIX}parameter name=|</{PREFIX}(?:parameter|invoke)>|</function>|<｜tool[▁_]sep｜>|"
    r"<\|tool_call_argument_begin\|>|<\|(?:constrain|call)\|>|\S\s*+</(?:\w{1,20}:)?(?:\w{1,20}_)?tool_calls?>"
)
"""What stands inside calls only: beside a call that was read it is left over from one that could not be."""
PATH = r"t(?<!\wt)o=(?:functions\.|[\w.\-/]++\s*+<\|(?:channel|constrain|message)\|>)"
"""Where gpt-oss addresses a tool."""
_STAR = r"(?:\*\*)?"
ACTION = (
    rf"{_STAR}Action:{_STAR}[ \t]*+`?([^\s(){{}}\[\]\"`:][^(){{}}\[\]\"`:\n]*+)`?\s*+"
    rf"{_STAR}Action Input:{_STAR}\s*+(?:```\w*+\s*+)?"
)
RECIPIENT = r">>>([^\s<>{}][^<>{}\n]*+)\n\s*+(?=\{)"
STEP = rf"(?<![^\s>]){ACTION}(?=\{{|\Z)|{RECIPIENT}".replace("([", "(?:[")
"""A step of ReAct, and Functionary's way to name who is spoken to."""
THOUGHT = (
    rf"<(?:(?:think|thinking|reasoning|scratch_pad|seed:think)>|\|channel\|>analysis[^<>=]{{0,40}}<\|message\|>|{_any(_THOUGHTS)})"
    r"|\[THINK\]|◁think▷"
)
END_OF_ANALYSIS = re.compile(r"<\|(?:end|start|channel|return)\|>")
OPENS = re.compile(f"{SECTION}|{CALL}")
CONTROL = rf"(?!{SECTION}|{CALL}|{THOUGHT})<[|｜][\w▁]++[|｜]>"
"""A control token that opens nothing."""

_WHOLE = (
    *(mark for mark in _CLOSES if mark not in _THOUGHTS), "<tool_call>", "<tool_calls>", "<TOOLCALL>", "<function_call>",
    "<function_calls>", "<functioncall>", "<minimax:tool_call>", "<seed:tool_call>", "<longcat_tool_call>", "[TOOL_CALLS]",
    "<｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "<｜DSML｜invoke name=", "<invoke name=", "<function=", "</function",
    "<｜tool▁call▁begin｜>", "<|tool_call_begin|>", "<|channel|>", "<|start|>",
)  # fmt: skip
_BEGUN = frozenset(mark[:n] for mark in _WHOLE for n in range(1, len(mark) + 1)) | {"to=functions."[:n] for n in range(3, 14)}
_LONGEST = max(map(len, _BEGUN))
_HEADER = re.compile(r"<\|(?:channel|constrain)\|>[^<>{]{0,80}\Z|<\|start\|>(?:\w{0,10}|assistant (?:to?|to=[^<>{]{0,80}))\Z")


def close_of(mark: str) -> str:
    """The mark that ends what a mark opens."""
    return _CLOSES.get(mark) or f"{mark[0]}/{mark[1:]}"


def is_cut(text: str, *, least: int = 1) -> bool:
    """Whether a text ends within the mark of a call, or right after one: it was cut off. `least`: characters of the mark."""
    tail = text.rstrip()[-_LONGEST:]
    if any(tail[-n:] in _BEGUN for n in range(least, len(tail) + 1)):
        return True
    return bool(_HEADER.search(text.rstrip()[-200:]))
