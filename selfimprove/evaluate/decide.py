"""The decision: adopt the challenger only when the same gate items show that it is better, and no guarded rate fell through.

The champion's outputs on the gate are the stored ones from when it was measured; nothing is measured twice.
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.config.model import Gate
from selfimprove.evaluate.compare import detectable_gain, paired_cells, paired_interval
from selfimprove.evaluate.metrics import rate
from selfimprove.events import Note, emit
from selfimprove.records import Decision, Output, Rate, Results, StageRef
from selfimprove.store import jsonl
from selfimprove.store.champion import Model, promote
from selfimprove.store.layout import Layout, read_json, write_json
from selfimprove.store.round import Round


def run_first(round_: Round, model: Model, scores: StageRef) -> Decision:
    """Round 0: the first champion is elected without a contest."""
    sentence = f"{model.name} is the first champion."
    decision = Decision(round=round_.number, champion="base", challenger=model.name, promoted=True, sentence=sentence)
    return _close(round_, model, scores, decision, {})


def run_rejected(round_: Round, champion: Model) -> Decision:
    """A round whose training diverged: nothing is measured, and the champion stays."""
    why = read_json(round_.path / "train" / "rejected.json") or {"sentence": "the training diverged"}
    sentence = f"{champion.name} stays the champion: {round_.model_name} was not made, {why['sentence']}."
    decision = Decision(
        round=round_.number, champion=champion.name, challenger=round_.model_name, promoted=False, sentence=sentence
    )
    with round_.stage("decide", {"rejected": why["sentence"], "champion": champion.digest}) as stage:
        if not stage.finished:
            write_json(stage.path / "decision.json", decision.model_dump(mode="json"))
            emit(Note(sentence, "warning"))
            stage.close({"promoted": 0.0})
    return decision


def stored_scores(layout: Layout, champion: Model) -> Path:
    """Where the champion's own gate outputs were stored when it was measured as a challenger."""
    number = 0 if champion.name == "bootstrap" else int(champion.name.removeprefix("round-"))
    return layout.round(number) / "evaluate"


def run_decide(round_: Round, champion: Model, challenger: Model, champion_scores: Path, scores: StageRef) -> Decision:
    """Compares on the gate, checks the guarded rates, moves the champion's pointer or leaves it."""
    gate = round_.config.gate
    old = jsonl.read(champion_scores / "gate.outputs.jsonl", Output)
    new = jsonl.read(scores.path / "gate.outputs.jsonl", Output)
    decision = weigh(round_.number, champion.name, challenger.name, new, old, vetoes(gate, scores.path, champion_scores), gate)
    return _close(round_, challenger, scores, decision, {"champion": champion.digest})


def weigh(
    number: int, champion: str, challenger: str, new: list[Output], old: list[Output], vetoes: list[str], gate: Gate
) -> Decision:
    both, wins, losses, neither = paired_cells(new, old)
    n = both + wins + losses + neither
    gain = (wins - losses) / n if n else 0.0
    # A one-sided 95 % bound is the end of a two-sided 90 % interval.
    low, high = paired_interval(both, wins, losses, neither, confidence=2 * gate.confidence - 1)
    detectable = detectable_gain(wins, losses, n, gate.confidence)
    promoted = low > 0 and gain >= gate.min_effect and not vetoes
    decision = Decision(
        round=number, champion=champion, challenger=challenger, promoted=promoted, sentence="", gain=gain, low=low,
        interval=(low, high), n=n, wins=wins, losses=losses, detectable=detectable, vetoes=tuple(vetoes),
    )  # fmt: skip
    return decision.model_copy(update={"sentence": _sentence(decision, gate)})


def _sentence(d: Decision, gate: Gate) -> str:
    seen = (
        f"{d.challenger} answers {d.wins} of {d.n} gate items right that {d.champion} does not, and {d.losses} the other way "
        f"round: gain {d.gain:+.1%}, lower end {d.low:+.1%}"
    )
    if d.promoted:
        return f"{d.challenger} becomes the champion: {seen}."
    if d.vetoes:
        return f"{d.champion} stays the champion: {'; '.join(d.vetoes)} ({seen})."
    if d.low > 0:
        return f"{d.champion} stays the champion: the gain is below gate.min_effect={gate.min_effect:.1%} ({seen})."
    return f"{d.champion} stays the champion: {seen}; these items would have shown a gain of {d.detectable:.1%} or more."


def vetoes(gate: Gate, new: Path, old: Path) -> list[str]:
    """Guarded rates of the challenger whose interval lies wholly below their floor.

    A champion that is itself below a floor lowers it to its own rate: a challenger must then not fall further, but may rise.
    """
    found = []
    for what, suite, field, floor in (
        ("abstention accuracy", "gate", "abstain_floor", gate.abstain_floor),
        ("canaries passed", "canaries", "canary_floor", gate.canary_floor),
    ):
        guarded, champion = _guarded(new, suite), _guarded(old, suite)
        low = min(floor, champion.accuracy) if champion.n else floor
        if guarded.n and guarded.high < low:
            found.append(
                f"{what}: {guarded.accuracy:.1%} of {guarded.n}, whose interval ends below {low:.1%} (gate.{field}={floor:.0%}, "
                f"champion {champion.accuracy:.1%})"
            )
    return found


def _guarded(scores: Path, suite: str) -> Rate:
    """Abstention items of the gate, or all canaries; no items when the suite was not measured."""
    stored = read_json(scores / f"{suite}.results.json")
    if not stored:
        return rate(0, 0)
    results = Results.model_validate(stored)
    if suite == "gate":
        return results.abstention
    return rate(sum(r.correct for r in results.kinds.values()), results.n)


def _close(round_: Round, model: Model, scores: StageRef, decision: Decision, inputs: dict[str, str]) -> Decision:
    gate = round_.config.gate.model_dump()
    with round_.stage("decide", {"scores": scores.digest, "model": model.digest, "gate": gate, **inputs}) as stage:
        if stage.finished:
            return Decision.model_validate(read_json(stage.path / "decision.json"))
        write_json(stage.path / "decision.json", decision.model_dump(mode="json"))
        # The pointer moves before the manifest: a kill between the two repeats the promotion, which changes nothing.
        if decision.promoted:
            promote(round_.layout, model, round_.number)
        emit(Note(decision.sentence))
        stage.close({"promoted": float(decision.promoted), "gain": decision.gain, "low": decision.low})
    return decision
