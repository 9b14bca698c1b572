"""Rates with intervals, and what makes an answer to a suite item right.

Call items: the calls equal the gold (`selfimprove.tools.canonical`), and the answer was not cut off. Abstention items: no call
was made in a finished answer; on a `missing` item the value that is missing must also be named. A model that only writes prose
makes no wrong call, so it can score on `no_tool` items: that is why the two rates are never pooled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import sqrt
from statistics import NormalDist

from selfimprove.chat import parse
from selfimprove.records import Answer, Completion, Output, Rate, Sample
from selfimprove.tools.canonical import key


def rate(correct: int, n: int, confidence: float = 0.95) -> Rate:
    """A share with its Wilson score interval (Wilson 1927); 0..1 for no items."""
    if n == 0:
        return Rate(n=0, correct=0, accuracy=0.0, low=0.0, high=1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = correct / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends the formula gives 0 and 1 up to rounding; they are said exactly.
    low = 0.0 if correct == 0 else (middle - half) / scale
    high = 1.0 if correct == n else (middle + half) / scale
    return Rate(n=n, correct=correct, accuracy=p, low=low, high=high)


def rate_of(outputs: Iterable[Output]) -> Rate:
    found = [o.correct for o in outputs]
    return rate(sum(found), len(found))


def score(sample: Sample, completion: Completion) -> Output:
    """One item's output with whether it is right, and a reason code when it is wrong."""
    parsed = parse(completion.text)
    answer = parsed.answer if completion.finish == "stop" else None
    reason = _wrong(sample, completion, answer, parsed.problem)
    return Output(
        id=sample.id, kind=sample.kind, query=sample.query, text=completion.text, answer=answer, correct=not reason,
        reason=reason, finish=completion.finish, tokens=len(completion.tokens), prompt_tokens=completion.prompt_tokens,
    )  # fmt: skip


def _wrong(sample: Sample, completion: Completion, answer: Answer | None, problem: str | None) -> str:
    """Why an output is wrong; empty when it is right."""
    gold = sample.answer or Answer()
    if completion.finish != "stop":
        return "truncated" if completion.finish == "length" else "prompt-too-long"
    if answer is None:
        return problem or "unparsed"
    if gold.calls:
        if not answer.calls:
            return "should-call"
        return "" if key(answer, sample.tools) == key(gold, sample.tools) else _how_calls_differ(answer, gold)
    if answer.calls:
        return "should-abstain"
    if gold.abstain == "missing":
        return "" if _names_missing(answer, gold, completion.text) else "wrong-reason"
    return "wrong-reason" if answer.abstain == "missing" else ""


def _how_calls_differ(answer: Answer, gold: Answer) -> str:
    got, want = sorted(c.name for c in answer.calls), sorted(c.name for c in gold.calls)
    if got != want:
        return "wrong-count" if len(got) != len(want) else "wrong-tool"
    return "wrong-value"


def _names_missing(answer: Answer, gold: Answer, text: str) -> bool:
    """The missing parameters by name, or in prose by the words of their names."""
    if answer.abstain == "missing":
        return set(answer.missing) == set(gold.missing)
    words = set(re.findall(r"[a-z]+", text.casefold()))
    return bool(gold.missing) and all(set(re.findall(r"[a-z]+", n.casefold())) <= words for n in gold.missing)
