"""What makes an answer to an item right, and the reason code when it is wrong.

    score(item, completion, "strict").reason       # "" when it is right

Call items: the calls are one of the admissible answers (`selfimprove.tools.admissible`), and the answer was not cut off.
Abstention items: no call was made in a finished answer; on a `missing` item the value that is missing must also be named.
General items: plain prose without a call that contains what was asked for, cut off or not. A model that only writes prose
makes no wrong call, so it can score on abstention items: that is why these are never pooled with calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from selfimprove.chat import parse
from selfimprove.records import Answer, Call, Completion, Output, SuiteItem, Tool, Values, digest
from selfimprove.subtasks import use
from selfimprove.tools.admissible import match
from selfimprove.tools.bfcl import is_spec
from selfimprove.tools.suite import Profile


def score(item: SuiteItem, completion: Completion, profile: Profile) -> Output:
    """One item's output with whether it is right, and a reason code when it is wrong."""
    parsed = use.parse(completion.text, {tool.name: tool for tool in item.tools})
    answer = parsed.answer if completion.finish == "stop" else None
    reason = _wrong(item, completion, answer, parsed.problem, profile)
    return Output(
        id=item.id, category=item.category, truth=item.truth, prompt=prompt_digest(item), query=item.query, text=completion.text,
        calls=answer.calls if answer else (), abstain=answer.abstain if answer else None, correct=not reason, reason=reason,
        finish=completion.finish, tokens=len(completion.tokens), prompt_tokens=completion.prompt_tokens,
        seconds=completion.seconds,
    )  # fmt: skip


def prompt_digest(item: SuiteItem) -> str:
    """Equal for equal questions: messages and tools, whatever they are called and wherever they stand."""
    return digest([[one.model_dump(mode="json", exclude_defaults=True) for one in part] for part in (item.messages, item.tools)])


def _wrong(item: SuiteItem, completion: Completion, answer: Answer | None, problem: str | None, profile: Profile) -> str:
    """Why an output is wrong; empty when it is right."""
    if completion.finish == "too_long":
        return "prompt-too-long"
    if item.truth == "general":
        return _prose(item, completion.text)
    if completion.finish == "length":
        return "truncated"
    if answer is None:
        return problem or "unparsed"
    if item.truth == "abstain":
        return _abstention(item, answer, completion.text)
    if not answer.calls:
        return "should-call"
    if item.admissible is None:
        return "" if {c.name for c in answer.calls} <= {t.name for t in item.tools} else "wrong-tool"
    found = match(answer.calls, item.admissible, item.tools, profile)
    return found.reason if found else ""


def _prose(item: SuiteItem, text: str) -> str:
    answer = parse(text).answer
    if answer and answer.calls:
        return "should-abstain"
    if not text.strip():
        return "empty"
    said = any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.IGNORECASE) for one in item.says)
    return "" if said else "not-said"


def _abstention(item: SuiteItem, answer: Answer, text: str) -> str:
    if answer.calls:
        return "should-abstain"
    if item.abstain == "missing":
        right = _names_missing(answer, item.missing, text) if item.missing else answer.abstain != "no_tool"
        return "" if right else "wrong-reason"
    return "wrong-reason" if item.abstain == "no_tool" and answer.abstain == "missing" else ""


def _names_missing(answer: Answer, missing: tuple[str, ...], text: str) -> bool:
    """The missing parameters by name, or in prose by the words of their names."""
    if answer.abstain == "missing":
        return set(answer.missing) == set(missing)
    words = set(re.findall(r"[a-z]+", text.casefold()))
    return all(set(re.findall(r"[a-z]+", n.casefold())) <= words for n in missing)


def gold(item: SuiteItem) -> Answer:
    """An answer that is right by the item's own words: what a perfect model could have said."""
    if item.admissible is not None:
        return _calls(item, _plain)
    if item.any_call:
        return Answer(calls=(Call(name=item.tools[0].name),))
    return Answer(abstain=item.abstain, missing=item.missing)


def golds(item: SuiteItem) -> list[Answer]:
    """`gold`, and the same with its values as they stand: a list inside an object may be alternatives or just a list."""
    return [gold(item)] if item.admissible is None else [gold(item), _calls(item, lambda value: value)]


def _calls(item: SuiteItem, read: Callable[[Any], Any]) -> Answer:
    assert item.admissible is not None
    tools = {tool.name: tool for tool in item.tools}
    return Answer(calls=tuple(
        Call(name=call.name, arguments={n: read(_first(v)) for n, v in call.arguments.items() if _told(n, v, tools[call.name])})
        for call in item.admissible[0]
    ))  # fmt: skip


def _told(name: str, values: Values, tool: Tool) -> bool:
    """Published answers have optional arguments that the tool does not know, and leave required ones empty."""
    if values.optional and (name not in tool.properties or all(v == "" for v in values.values)):
        return name in tool.required
    return True


def _first(values: Values) -> Any:
    return next((v for v in values.values if v != ""), "")


def _plain(value: Any) -> Any:
    """A value without the alternatives inside it: BFCL gives each key of an object a list of them, "" where it is optional."""
    if is_spec(value):
        return _plain(value["values"][0])
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, dict) and all(isinstance(v, list) for v in value.values()):
        return {n: _plain(next(v for v in vs if v != "")) for n, vs in value.items() if any(v != "" for v in vs)}
    return value
