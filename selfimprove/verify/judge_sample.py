"""All attempts at one problem together: the layers, then the vote (no gold) or the reference (gold).

    judged, checked = judge_sample(sample, attempts, config.verify)

With gold, a problem is accepted with its gold as the answer, and `correct` of `k` sampled attempts equal it (pass@k's c and k).
Without, the answer is the mode of the attempts that pass every layer, if its share of all k and its lead are large enough;
abstention is a class of its own. The gold of an oracle problem is read only to say whether what was accepted is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from selfimprove.config.model import Verify
from selfimprove.records import Answer, Attempt, Call, Checked, Judged, Judgement, Sample, Tool, Verdict, canonical_json
from selfimprove.tools.admissible import from_calls, match
from selfimprove.tools.canonical import key
from selfimprove.verify.agreement import elect
from selfimprove.verify.case import Case, Runnable, of_sample
from selfimprove.verify.judge import answer_id, in_doubt
from selfimprove.verify.layers import judge

Judgements = Mapping[str, Judgement]


def judge_sample(
    sample: Sample, attempts: Sequence[Attempt], config: Verify, runnable: Runnable = MappingProxyType({}),
    judgements: Judgements = MappingProxyType({}),
) -> tuple[Judged, list[Checked]]:  # fmt: skip
    """`judgements`: what a judge said of answers that grounding or coverage alone left in doubt."""
    gold = sample.answer if sample.source != "oracle" else None
    case = of_sample(sample, runnable)
    checked = [check(sample, a, config, gold, runnable, judgements, case) for a in attempts]
    sampled = [(a, c) for a, c in zip(attempts, checked, strict=True) if a.index >= 0]
    if gold is not None:
        return _by_reference(sample, gold, sampled), checked
    return _by_vote(sample, attempts, checked, config), checked


def check(
    sample: Sample, attempt: Attempt, config: Verify, gold: Answer | None, runnable: Runnable = MappingProxyType({}),
    judgements: Judgements = MappingProxyType({}), case: Case | None = None,
) -> Checked:  # fmt: skip
    """The layers, in order, until one vetoes. `case`: what all attempts at the problem share, where it has been made."""
    base: dict[str, Any] = {"sample": sample.id, "index": attempt.index}
    correct = None if gold is None else attempt.answer is not None and _same(attempt.answer, gold, sample)
    if correct:
        # What equals the gold is right, wherever its values came from: the layers have nothing to add.
        return Checked(**base, status="accepted", correct=True)
    status, layer, reasons = judge((case or of_sample(sample, runnable)).with_answer(attempt), config.layers)
    if status != "rejected" and gold is not None and "reference" in config.layers:
        # With gold nothing is unknown: what differs from it is wrong.
        status, layer, reasons = "rejected", "reference", (reference_reason(attempt.answer, gold, sample.tools),)
    elif gold is None and attempt.answer and in_doubt(status, layer, attempt.answer.calls):
        said = judgements.get(answer_id(sample, attempt.answer))
        if said and said.status == "accepted":
            status, layer, reasons = "accepted", "", ()
        elif said and said.status == "rejected":
            status, layer, reasons = "rejected", "judge", ("judge-no",)
    return Checked.model_validate({**base, "status": status, "layer": layer, "reasons": reasons, "correct": correct})


def reference_reason(answer: Answer | None, gold: Answer, tools: Sequence[Tool]) -> str:
    """Why an answer that is not the gold differs from it, as a code."""
    if answer is None:
        return "unparsed"
    differs = match(answer.calls, [from_calls(gold.calls)], tools, literal=True)
    return differs.reason if differs else "wrong-reason"


def _by_reference(sample: Sample, gold: Answer, sampled: Sequence[tuple[Attempt, Checked]]) -> Judged:
    correct = sum(bool(c.correct) for _, c in sampled)
    k = len(sampled)
    too_long = all(a.finish == "too_long" for a, _ in sampled)
    verdict = Verdict(subject=sample.id, status="accepted")
    if too_long:
        verdict = Verdict(subject=sample.id, status="rejected", layer="structure", reasons=("prompt-too-long",))
    near = correct == 0 and any(_near(a.answer, gold) for a, _ in sampled)
    return Judged(
        sample=sample.id, source=sample.source, kind=sample.kind, verdict=verdict, answer=gold, correct=correct, k=k,
        agreement=correct / k if k else 0.0, near_miss=near,
    )  # fmt: skip


def _by_vote(sample: Sample, attempts: Sequence[Attempt], checked: Sequence[Checked], config: Verify) -> Judged:
    sampled = [(a, c) for a, c in zip(attempts, checked, strict=True) if a.index >= 0]
    votes = Counter(key(a.answer, sample.tools) for a, c in sampled if c.status != "rejected" and a.answer)
    verdict, winner, share = _elected(sample, votes, len(sampled), config)
    chosen = next((a for a, _ in sampled if winner and a.answer and key(a.answer, sample.tools) == winner), None)
    if chosen and chosen.answer and verdict.status == "accepted":
        verdict = _winner_verdict(sample, chosen, next(c for a, c in sampled if a is chosen))
    answer = chosen.answer if chosen and verdict.status == "accepted" else None
    right = None
    if sample.source == "oracle" and sample.answer and answer:
        right = _same(answer, sample.answer, sample)
    kind = _kind(answer) if answer else sample.kind
    return Judged(
        sample=sample.id, source=sample.source, kind=kind, verdict=verdict, answer=answer, k=len(sampled),
        correct=round(share * len(sampled)), agreement=share, right=right,
    )  # fmt: skip


def _elected(sample: Sample, votes: Counter[str], k: int, config: Verify) -> tuple[Verdict, str | None, float]:
    winner, share, clear = elect(votes, k, config.vote_share, config.vote_margin)
    if winner is None:
        return Verdict(subject=sample.id, status="rejected", layer="structure", reasons=("nothing-valid",)), None, 0.0
    if "agreement" in config.layers and not clear:
        return Verdict(subject=sample.id, status="rejected", layer="agreement", reasons=("no-majority",)), winner, share
    return Verdict(subject=sample.id, status="accepted"), winner, share


def _winner_verdict(sample: Sample, attempt: Attempt, checked: Checked) -> Verdict:
    """A winner whose values cannot be traced, or that declines in prose, is unknown: never trained on."""
    if checked.status == "unknown":
        return Verdict(subject=sample.id, status="unknown", layer=checked.layer, reasons=checked.reasons)
    if attempt.answer and attempt.answer.abstain == "no_call":
        return Verdict(subject=sample.id, status="unknown", layer="structure", reasons=("prose",))
    if attempt.answer and attempt.answer.abstain and sample.source == "make":
        # Tools made for a query fit it: a model that declines them all is more often wrong than right.
        return Verdict(subject=sample.id, status="unknown", layer="agreement", reasons=("declined-made-tools",))
    return Verdict(subject=sample.id, status="accepted")


def _kind(answer: Answer) -> str:
    if answer.abstain:
        return str(answer.abstain)
    return "parallel" if len(answer.calls) > 1 else "single"


def _same(answer: Answer, gold: Answer, sample: Sample) -> bool:
    return key(answer, sample.tools) == key(gold, sample.tools)


def _near(answer: Answer | None, gold: Answer) -> bool:
    """The right tools, with at least half of the arguments right; calls are compared in the order of their names."""
    if answer is None or not gold.calls:
        return False
    got, want = sorted(answer.calls, key=_by_name), sorted(gold.calls, key=_by_name)
    if [c.name for c in got] != [c.name for c in want]:
        return False
    total = sum(len(c.arguments) for c in want)
    right = sum(g.arguments.get(n) == v for g, w in zip(got, want, strict=True) for n, v in w.arguments.items())
    return bool(2 * right >= total)


def _by_name(call: Call) -> tuple[str, str]:
    return call.name, canonical_json(call.arguments)
