"""The verifier's own test: known answers rewritten, spoilt and dressed up, and how often it errs on each.

    tested = self_test(verify_row, truths(samples, 80))
    tested.rates["attacks"].correct == 0              # how many were accepted, of `n`

What it is not: a measurement of a model. Every case is made from labelled problems; the verifier sees rows as users write them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from selfimprove.chat import write
from selfimprove.records import Answer, Fault, Rate, SelfTest
from selfimprove.verify.selftest.attack import ATTACKS, attacked
from selfimprove.verify.selftest.mutate import MUTATIONS, mutated
from selfimprove.verify.selftest.rewrite import REWRITINGS, rewritten
from selfimprove.verify.selftest.truth import Truth

Verify = Callable[[dict[str, Any]], dict[str, Any]]
Second = Callable[[list[tuple[dict[str, Any], dict[str, Any]]]], list[dict[str, Any]]]
"""A second look at (row, verdict) of all cases together: the judge's."""
Group = Literal["right", "wrong", "attack"]
ABSTAINS = "abstention"


@dataclass(frozen=True)
class Trial:
    """One row with what is known about it. `promised`: the table says that the enabled layers keep it from being accepted."""

    group: Group
    kind: str
    referenced: bool
    row: dict[str, Any]
    promised: bool = True


def trials(truths: Sequence[Truth], layers: Collection[str] | None = None) -> Iterator[Trial]:
    """All cases of all truths; `layers` are those that are on (None: all)."""
    for truth in truths:
        for referenced in (True, False):
            yield from _of(truth, referenced, layers)


def _of(truth: Truth, referenced: bool, layers: Collection[str] | None) -> Iterator[Trial]:
    def trial(group: Group, kind: str, candidate: str, layer: str = "structure") -> Trial:
        promised = referenced or (bool(layer) and (layers is None or layer in layers))
        return Trial(group, kind, referenced, truth.row(candidate, referenced), promised)

    if truth.abstention and referenced:
        yield trial("right", ABSTAINS, write(truth.abstention))
        for tool in truth.tools[:1]:
            yield trial("wrong", "call-where-none-is-right", f'{{"name": "{tool.name}", "arguments": {{}}}}')
    for kind in REWRITINGS:
        if (text := rewritten(kind, truth)) is not None:
            yield trial("right", kind, text)
    for kind, mutation in MUTATIONS.items():
        if (calls := mutated(kind, truth)) is not None:
            yield trial("wrong", kind, write(Answer(calls=calls)), mutation.layer)
    if truth.calls:
        for kind, text in (("no-call", "I would look that up for you."), ("declined", write(Answer(abstain="no_tool")))):
            yield trial("wrong", kind, text)
    for kind in ATTACKS:
        if (made := attacked(kind, truth)) is not None:
            yield trial("attack", kind, *made)


def self_test(
    verify: Verify, truths: Sequence[Truth], layers: Collection[str] | None = None, *, second: Second | None = None,
    faults: int = 200,
) -> SelfTest:  # fmt: skip
    """Rates of error with 95 % intervals, by what went wrong and by kind; the first `faults` cases of error as they are.

    `right-rejected`, `right-unknown`: right answers without a reference. `right-refused-with-reference`: not accepted.
    `wrong-accepted`: wrong answers of the kinds that can be seen without a reference; `wrong-accepted-with-reference`: of all
    kinds; `wrong-accepted-unseen`: without a reference, of the other kinds. `attacks`: accepted, with a reference or without.
    """
    seen: Counter[tuple[str, str]] = Counter()
    errors: Counter[tuple[str, str]] = Counter()
    found: list[Fault] = []
    for trial, answer in _answered(verify, trials(truths, layers), second):
        for rate, error in _judged(trial, answer["verdict"]):
            seen[rate, trial.kind] += 1
            if error:
                errors[rate, trial.kind] += 1
                if len(found) < faults and rate not in INFORMING:
                    found.append(Fault(rate=rate, kind=trial.kind, row=trial.row, verdict=answer["verdict"],
                                       layer=answer.get("layer") or "", reasons=tuple(answer.get("reasons") or ())))  # fmt: skip
    names = sorted({rate for rate, _ in seen})
    return SelfTest(
        truths=len(truths), cases=sum(n for (rate, _), n in seen.items() if rate != "right-unknown"),
        rates={rate: _total(rate, seen, errors) for rate in names},
        kinds={rate: {k: Rate.of(errors[r, k], n) for (r, k), n in sorted(seen.items()) if r == rate} for rate in names},
        faults=tuple(found),
    )  # fmt: skip


def _answered(verify: Verify, cases: Iterator[Trial], second: Second | None) -> Iterator[tuple[Trial, dict[str, Any]]]:
    if second is None:
        yield from ((trial, verify(trial.row)) for trial in cases)
        return
    known = [(trial, verify(trial.row)) for trial in cases]
    yield from zip((trial for trial, _ in known), second([(t.row, out) for t, out in known]), strict=True)


INFORMING = ("right-unknown", "wrong-accepted-unseen")
"""Rates whose cases are no faults: what grounding cannot trace, and what only a reference can tell."""


def _judged(trial: Trial, verdict: str) -> Iterator[tuple[str, bool]]:
    """The rates that a case counts for, and whether it is an error in each."""
    if trial.group == "right":
        if trial.referenced:
            yield "right-refused-with-reference", verdict != "accepted"
        else:
            yield "right-rejected", verdict == "rejected"
            yield "right-unknown", verdict == "unknown"
    elif not trial.promised:
        yield "wrong-accepted-unseen", verdict == "accepted"
    elif trial.group == "attack":
        yield "attacks", verdict == "accepted"
    else:
        yield "wrong-accepted-with-reference" if trial.referenced else "wrong-accepted", verdict == "accepted"


def _total(rate: str, seen: Counter[tuple[str, str]], errors: Counter[tuple[str, str]]) -> Rate:
    return Rate.of(
        sum(n for (r, _), n in errors.items() if r == rate), sum(n for (r, _), n in seen.items() if r == rate)
    )
