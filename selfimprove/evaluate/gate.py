"""The gate: adopt a challenger only when the same items show that it is better, and no guarded rate fell through.

    weigh(3, "round-001", "round-003", new, old, vetoes(gate, new_results, old_results), gate).promoted

A pure rule over stored outputs; `decide` reads and writes them. How often it errs and what it can see: `make bench NAME=gate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist

from selfimprove.config.model import Gate
from selfimprove.evaluate.compare import paired_cells, paired_interval
from selfimprove.records import Decision, Output, Rate, Results

ALLOWANCE = 0.0035
"""Newcombe's interval is an approximation whose one-sided error reaches 5.4 % where it says 5 %: it is taken this much wider."""
Measured = Mapping[str, Results]
"""Suite -> results of one model."""


def weigh(
    number: int, champion: str, challenger: str, new: Sequence[Output], old: Sequence[Output], vetoes: list[str], gate: Gate
) -> Decision:
    """The decision for the challenger's (`new`) and the champion's (`old`) outputs on the gate's items."""
    both, wins, losses, neither = paired_cells(new, old)
    n = both + wins + losses + neither
    gain = (wins - losses) / n if n else 0.0
    low, high = gain_interval(both, wins, losses, neither, gate.confidence)
    promoted = low > 0 and gain >= gate.min_effect and not vetoes
    decision = Decision(
        round=number, champion=champion, challenger=challenger, promoted=promoted, sentence="", gain=gain, low=low,
        interval=(low, high), n=n, wins=wins, losses=losses,
        detectable=detectable_gain(wins, losses, n, gate.confidence, min_effect=gate.min_effect), vetoes=tuple(vetoes),
    )  # fmt: skip
    return decision.model_copy(update={"sentence": _sentence(decision, gate)})


def gain_interval(both: int, wins: int, losses: int, neither: int, confidence: float) -> tuple[float, float]:
    """Both ends of the two-sided interval whose lower end is the one-sided bound that decides."""
    return paired_interval(both, wins, losses, neither, confidence=2 * _confidence(confidence) - 1)


def detectable_gain(
    wins: int, losses: int, n: int, confidence: float, power: float = 0.8, min_effect: float = 0.0
) -> float:
    """The smallest true gain that n items show with the given power, when models disagree as often as these did.

    Normal approximation of wins - losses, whose bound is about z sqrt(wins + losses). A gain cannot be larger than the share of
    disagreements, so a larger one means more of them; where none was seen one is assumed: nothing is ever measured exactly.
    """
    if n == 0:
        return 1.0
    z, beyond = NormalDist().inv_cdf(_confidence(confidence)), NormalDist().inv_cdf(power)
    seen, low, high = max(1, wins + losses) / n, 0.0, 1.0
    for _ in range(40):
        gain = (low + high) / 2
        disagree = max(seen, gain)
        needed = max(z * sqrt(disagree), sqrt(n) * min_effect)
        found = sqrt(n) * gain - needed >= beyond * sqrt(disagree - gain * gain)
        low, high = (low, gain) if found else (gain, high)
    return high


def _confidence(asked: float) -> float:
    return min(asked + ALLOWANCE, (1 + asked) / 2)


def _sentence(d: Decision, gate: Gate) -> str:
    places = 1 if abs(d.low) >= 0.0005 else 3  # whether it lies above 0 is what decides
    seen = (
        f"{d.challenger} answers {d.wins} of {d.n} gate items right that {d.champion} does not, and {d.losses} the other way "
        f"round: gain {d.gain:+.1%}, lower end {d.low:+.{places}%}"
    )
    could = f"these items would have shown a gain of {d.detectable:.1%} or more in four of five cases"
    if d.promoted:
        return f"{d.challenger} becomes the champion: {seen}; {could}."
    if d.vetoes:
        return f"{d.champion} stays the champion: {'; '.join(d.vetoes)} ({seen}; {could})."
    if d.low > 0:
        return f"{d.champion} stays the champion: the gain is below gate.min_effect={gate.min_effect:.1%} ({seen}; {could})."
    return f"{d.champion} stays the champion: {seen}; {could}."


def vetoes(gate: Gate, new: Measured, old: Measured) -> list[str]:
    """Guarded rates of the challenger whose interval lies wholly below their floor.

    A champion that is itself below a floor lowers it to its own rate: a challenger must then not fall further, but may rise.
    """
    found = []
    for what, suite, field, floor in (
        ("abstention accuracy", "gate", "abstain_floor", gate.abstain_floor),
        ("canaries passed", "canaries", "canary_floor", gate.canary_floor),
        ("plain answers", "general", "general_floor", gate.general_floor),
    ):
        guarded, champion = _guarded(new.get(suite)), _guarded(old.get(suite))
        low = min(floor, champion.accuracy) if champion.n else floor
        if guarded.n and guarded.high < low:
            found.append(
                f"{what}: {guarded.accuracy:.1%} of {guarded.n}, whose interval ends below {low:.1%} (gate.{field}={floor:.0%}, "
                f"champion {champion.accuracy:.1%})"
            )
    return found


def _guarded(results: Results | None) -> Rate:
    """Abstention items of the gate, or all items of another suite; no items when it was not measured."""
    if results is None:
        return Rate.of(0, 0)
    if results.suite == "gate":
        return results.abstention
    return Rate.of(sum(r.correct for r in results.categories.values()), results.n)
