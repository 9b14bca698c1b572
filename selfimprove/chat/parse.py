"""Text of a model -> calls, an abstention, or a reason code. Never raises, never evaluates, linear in the text.

    parse('<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>').answer.calls
    parse('Sure:\\n```json\\n{"name": "f", "parameters": {"x": 1}}\\n```').skipped == "Sure:"
    parse("[f(x=1), Weather API(city='Oslo')]").answer.calls
    parse("No tool fits this request.").answer.abstain == "no_tool"

One pass from left to right: the leftmost place where a call can begin is read whole, so that nothing inside a value is ever
taken for a call. A call that was begun and is broken is a reason, never an abstention: broken calls must not look like prose.
What it is not: a check against the tools (that is `selfimprove.verify`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from selfimprove.chat import bracket, quick
from selfimprove.chat.broken import Broken
from selfimprove.chat.calls import NAME_LINE, read_calls, read_value
from selfimprove.chat.literal import NotLiteral, skip_space
from selfimprove.chat.marked import Region, marked_call, named_call, section
from selfimprove.chat.marks import ARGUMENT, CALL, CONTROL, END_OF_ANALYSIS, OPENS, PATH, SECTION, STEP, THOUGHT, close_of, is_cut
from selfimprove.records import Answer, Call
from selfimprove.records.base import maker

PARSER_VERSION = 7
"""Raised whenever the same text is read as something else: part of what a score rests on."""
MAX_CHARACTERS = 1_000_000
MAX_CALLS = 10_000
MOST_DATA = 100
_answer = maker(Answer)

_NOISE = re.compile(rf"(?:[\s,;]++|```[\w+-]*+|{CONTROL}|</s>|\[e~\[|<seed:eos>)*")
"""What may stand between calls without being prose: separators, code fences, control tokens that were decoded."""
_OPENER = re.compile(
    rf"(?P<section>{SECTION})|(?P<mistral>\[TOOL_CALLS\])|(?P<thought>{THOUGHT})"
    r"|(?P<bracket>\[\s*+" + bracket.NAME + r"\()"
    r"|(?P<json>\{\s*+[\"'](?!\s*+\})|\{\s*+(?:name|function|tool_calls)\s*+:|\[\s*+\{\s*+[\"'])"
    rf"|(?P<call>{CALL}|{PATH}|{STEP})"
    r"|(?P<python>(?:^[ \t]*+|(?<=[:!.?,*-] )|(?<=`)|(?<=\|>|k>)|(?<=^\*\*)|(?<= \*\*))" + bracket.PYTHON_NAME + r"\()",
    re.MULTILINE,
)  # fmt: skip
_JSON_START = re.compile(r"\{\s*+(?:[\"'{}]|\w++\s*+:|\Z)|\[\s*+[\[{\"'\d\]-]")
_LATE_THOUGHT = re.compile(
    r"\n[ \t]*+</(?:think|thinking|reasoning|seed:think)>|</(?:think|thinking|reasoning|seed:think)>[ \t]*+(?:\n|\Z)|\[/THINK\]"
)
"""The end of a thought that the prompt began. On a line's edge, where no JSON string can have it."""
_ANALYSIS = re.compile(r"analysis(?=\S).*?assistant(?=commentary|final)", re.DOTALL)
"""gpt-oss' thought, when the decoder left out the control tokens."""
_MISTRAL_NAME = re.compile(r"([^\[\]{}\"\n]++)(?:\[CALL_ID\][^\[\]{}]*+)?(?:\[ARGS\])?\s*+(?=\{)")

_LEFT_OVER = re.compile(ARGUMENT)
_LONE_CALL = re.compile(r"[ \t]*+\)[ \t]*+(?:\r?\n|\Z)")
"""The rest of a line that is a call without arguments and nothing else."""

_says_missing = re.compile(r"\bmissing values?:\s*([A-Za-z0-9_.,\- ]{1,200})", re.IGNORECASE)
_says_no_tool = re.compile(
    r"\b(no|none of the|not? (?:any|one) of the)\b[^.\n]{0,40}\b(tools?|functions?)\b", re.IGNORECASE
)


class Parsed(NamedTuple):
    """`answer` or `problem` is set. Problems: empty, too-large, bad-json, bad-call, not-a-call, unclosed-call,
    unclosed-thought."""

    answer: Answer | None = None
    problem: str | None = None
    skipped: str = ""
    """Prose and thoughts around the calls."""
    beside: tuple[Call, ...] = ()
    """What looks like a call outside the marks, where others stand between marks: it counts for nothing here."""
    said: str = ""
    """As `skipped`, without the thoughts."""
    data: tuple[Any, ...] = ()
    """Objects and lists that are no calls, the first of them."""
    raw: tuple[int, ...] = ()
    """Positions of the calls whose arguments are all text because their syntax writes no types: only the tool's schema says what
    they stand for (`selfimprove.subtasks.typed`)."""


class _Reading:
    """What was found so far. `data`: whether a JSON value was met that is no call; `objects`: the first objects and lists
    among them."""

    def __init__(self) -> None:
        self.regions: list[tuple[int, Region]] = []
        self.thoughts: list[tuple[int, int]] = []
        self.objects: list[Any] = []
        self.calls = 0
        self.prose = self.data = False


def parse(text: str) -> Parsed:
    """Reads every syntax that `write` writes and the forms that models give them; see docs/formats.md."""
    if len(text) > MAX_CHARACTERS:
        return Parsed(problem="too-large")
    if not text.strip():
        return Parsed(problem="empty")
    if calls := quick.read(text):
        return Parsed(_answer({"calls": tuple(calls), "abstain": None, "missing": ()}))
    return read(text)


def read(text: str) -> Parsed:
    """`parse` for text that is not empty and in no form that `quick` knows."""
    reading = _Reading()
    try:
        _read(text, reading)
    except Broken as reason:
        done = [(start, region.end) for start, region in reading.regions]
        return Parsed(problem=str(reason), skipped=_gaps(text, done, stop=done[-1][1] if done else 0))
    return _conclude(text, reading)


def _read(text: str, reading: _Reading) -> None:
    position = 0
    thought = "</think" in text or "</reasoning" in text or "[/THINK]" in text or "</seed:think" in text
    if thought and (late := _LATE_THOUGHT.search(text)) and not _begins_with_a_mark(text):
        position = late.end()
    elif stripped := _ANALYSIS.match(text):
        position = stripped.end()
    if position:
        reading.thoughts.append((0, position))
    while True:
        position = _end(_NOISE, text, position)
        if position == len(text):
            return
        start, region = _next(text, position, reading)
        if start > position:
            reading.prose = True
        if region is None:
            return
        if region.calls is not None:
            reading.regions.append((start, region))
        # Data is counted as one call, so that a megabyte of `{}` costs no more than one of calls.
        reading.calls += 1 if region.calls is None and not reading.prose else len(region.calls or ())
        if reading.calls > MAX_CALLS:
            raise Broken("too-large")
        position = region.end


def _begins_with_a_mark(text: str) -> bool:
    return text.lstrip().startswith(("<t", "{", "[")) or OPENS.match(text, _end(_NOISE, text, 0)) is not None


def _next(text: str, position: int, reading: _Reading) -> tuple[int, Region | None]:
    """(start, region) of the next place where something begins that is not prose; the end of the text and None without one."""
    found = None
    if not reading.prose and text[position] in "{[":
        found = _OPENER.match(text, position)
        if not found and _JSON_START.match(text, position):
            return position, _json(text, position, reading, first=True)
    if not found and not reading.prose:
        if (bare := NAME_LINE.match(text, position)) and (alone := _alone(text, bare)):
            return position, alone
        # What stands first needs no line of its own: `</reasoning>f(x=1)`.
        at_first = bracket.PYTHON.match(text, position)
        if at_first:
            region = _python(text, at_first, True)
            reading.prose |= region.calls is None
            return position, region
    found = found or _OPENER.search(text, position)
    if not found:
        return len(text), None
    start, kind = found.start(), found.lastgroup
    first = start == position and not reading.prose
    if kind == "json":
        return start, _json(text, start, reading, first=first)
    if kind == "thought":
        return start, _thought(text, found, reading)
    region = _READERS[str(kind)](text, found, first)
    if region.calls is None:
        reading.prose = True
    return start, region


def _alone(text: str, bare: re.Match[str]) -> Region | None:
    """A name, an object of arguments and nothing else: GLM 4's and Functionary's form. A heading above a call is none."""
    try:
        value, end = read_value(text, bare.end())
    except ValueError:
        return None
    if _end(_NOISE, text, end) < len(text) or read_calls(value, name_alone=False) is not None:
        return None
    return Region(end, [Call(name=bare[1], arguments=value)])


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _thought(text: str, found: re.Match[str], reading: _Reading) -> Region:
    if found[0].endswith("<|message|>"):
        # What ends gpt-oss' analysis may begin the call.
        ended = END_OF_ANALYSIS.search(text, found.end())
        end, close = (ended.start() if ended else -1), ""
    else:
        close = close_of(found[0])
        end = text.find(close, found.end())
    if end < 0 and not reading.prose:
        raise Broken("unclosed-thought")
    if end < 0:
        return Region(found.end(), None)
    reading.thoughts.append((found.start(), end + len(close)))
    return Region(end + len(close), None)


def _json(text: str, start: int, reading: _Reading, *, first: bool) -> Region:
    """Calls as JSON without marks. Where it is broken, it counts as a call that was begun if it has the keys of one."""
    try:
        value, end = read_value(text, start)
    except ValueError:
        rest = text[start:]
        if first or ("name" in rest and ("arguments" in rest or "parameters" in rest)):
            raise Broken("bad-json") from None
        # Not tried again further in: a call inside broken data is no call, and trying each brace would not be linear.
        reading.prose = True
        return Region(len(text), None)
    # An empty list and nothing else is how JSON families say that no call is right.
    alone = value == [] and first and _end(_NOISE, text, end) == len(text)
    calls = [] if alone else read_calls(value, name_alone=first)
    reading.data |= calls is None
    if calls is None and value and isinstance(value, dict | list) and len(reading.objects) < MOST_DATA:
        reading.objects.append(value)
    return Region(end, calls)


def _section(text: str, found: re.Match[str], _: bool) -> Region:
    return section(text, found.start())


def _call(text: str, found: re.Match[str], _: bool) -> Region:
    return marked_call(text, found.start())


def _mistral(text: str, found: re.Match[str], _: bool) -> Region:
    """A list of calls, or a name, `[ARGS]` and an object."""
    position = skip_space(text, found.end())
    named = None if text.startswith(("[", "{"), position) else _MISTRAL_NAME.match(text, position)
    return named_call(text, named[1] if named else "", named.end() if named else position)


def _bracket(text: str, found: re.Match[str], first: bool) -> Region:
    return _pythonic(text, found, first, (bracket.NAMED, bracket.EMPTY), bracket.read_list)


def _python(text: str, found: re.Match[str], first: bool) -> Region:
    return _pythonic(text, found, first, (bracket.NAMED,), bracket.read_lines)


def _pythonic(
    text: str, found: re.Match[str], first: bool, signs: tuple[re.Pattern[str], ...],
    read: Callable[[str, int], tuple[list[Call], int]],
) -> Region:  # fmt: skip
    """Calls as `name(key=value)`. In prose a name and parentheses are a call only when one of the signs follows."""

    def meant() -> bool:
        if found.start() and text[found.start() - 1] == "\n" and _LONE_CALL.match(text, found.end()):
            return True
        return any(sign.match(text, found.end()) for sign in signs)

    if not first and not meant():
        return Region(found.end(), None)
    try:
        calls, end = read(text, found.start())
    except bracket.NoCall as ended:
        return Region(ended.position, None)
    except NotLiteral as error:
        if not meant() and not text.rstrip().endswith((")", ")]")):
            return Region(found.end(), None)
        raise Broken("unclosed-call" if error.position >= len(text.rstrip()) else "bad-call") from None
    return Region(end, calls)


_READERS = {"section": _section, "call": _call, "mistral": _mistral, "bracket": _bracket, "python": _python}


def _conclude(text: str, reading: _Reading) -> Parsed:
    marked = [(start, region) for start, region in reading.regions if region.marked]
    used = marked or reading.regions
    calls = [call for _, region in used for call in region.calls or ()]
    whole = len(used) == 1 and used[0][0] == 0 and used[0][1].end == len(text)
    skipped = "" if whole else _gaps(text, [(start, region.end) for start, region in used])
    # A call may end in what looks like the beginning of a mark; prose hardly ever does.
    ended = bool(used) and _end(_NOISE, text, used[-1][1].end) == len(text)
    if (calls and not ended and is_cut(text)) or (not calls and not reading.data and is_cut(text, least=2)):
        return Parsed(problem="unclosed-call", skipped=skipped)
    if marked and _LEFT_OVER.search(_gaps(text, sorted([*reading.thoughts, *((s, r.end) for s, r in used)]))):
        return Parsed(problem="bad-call", skipped=skipped)
    if calls and (marked or not reading.data or reading.prose):
        beside = tuple(c for _, r in reading.regions for c in r.calls or () if not r.marked) if marked else ()
        said = skipped
        if skipped and reading.thoughts:
            said = _gaps(text, sorted([*reading.thoughts, *((start, region.end) for start, region in used)]))
        answer = Answer(calls=tuple(calls))
        return Parsed(answer, None, skipped, beside, said, tuple(reading.objects), _raw(used))
    if reading.data and not reading.prose:
        return Parsed(problem="not-a-call", skipped=skipped)
    said = _gaps(text, sorted(reading.thoughts))
    if not said:
        return Parsed(problem="empty", skipped=skipped)
    return Parsed(answer=_abstention(said), skipped=skipped, said=said, data=tuple(reading.objects))


def _raw(used: list[tuple[int, Region]]) -> tuple[int, ...]:
    raw: list[int] = []
    before = 0
    for _, region in used:
        raw += (before + number for number in region.raw)
        before += len(region.calls or ())
    return tuple(raw)


def _gaps(text: str, used: list[tuple[int, int]], stop: int | None = None) -> str:
    """What stands between and around the parts in use, without what is only noise."""
    edges = [0, *(edge for pair in used for edge in pair), len(text) if stop is None else stop]
    parts = [text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return "".join(part for part in parts if not _NOISE.fullmatch(part)).strip()


def _abstention(text: str) -> Answer:
    found = _says_missing.search(text)
    if found:
        words = [n for n in re.split(r"[,\s]+", found[1].rstrip(". ")) if n]
        return Answer(abstain="missing", missing=tuple(n for n in words if n != "and" or len(words) == 1))
    return Answer(abstain="no_tool" if _says_no_tool.search(text) else "no_call")
