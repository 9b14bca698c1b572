"""Paired comparison of two models on the same items.

    compare(outputs_a, outputs_b)     # gain of a over b in call accuracy, with an interval
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

from selfimprove.errors import DataError
from selfimprove.evaluate.metrics import rate_of
from selfimprove.records import CategoryComparison, Comparison, Output, Rate
from selfimprove.records.suite import Truth


def call_items(outputs: Sequence[Output]) -> list[Output]:
    return [o for o in outputs if o.truth == "call"]


def compare(a: Sequence[Output], b: Sequence[Output], names: tuple[str, str], suite: str) -> Comparison:
    """Call accuracy of a minus b on their call items. Raises DataError when the items differ."""
    both = paired_cells(a, b)
    low, high = paired_interval(*both, confidence=0.95)
    n = sum(both)
    return Comparison(
        a=names[0], b=names[1], suite=suite, n=n, gain=(both[1] - both[2]) / n if n else 0.0, low=low, high=high, wins=both[1],
        losses=both[2],
    )  # fmt: skip


def by_category(a: Sequence[Output], b: Sequence[Output]) -> list[CategoryComparison]:
    """Every category by itself: what flipped, and an interval. Raises DataError as `compare` does."""
    return _grouped(a, b, lambda o: o.category)


GROUPS: dict[Truth, str] = {
    "call": "all calls", "any_call": "all of any call", "abstain": "all abstentions", "general": "all plain questions",
}  # fmt: skip


def by_truth(a: Sequence[Output], b: Sequence[Output]) -> list[CategoryComparison]:
    """The same for all items of which the same sort of answer is right; sorts are never pooled."""
    return _grouped(a, b, lambda o: GROUPS[o.truth])


def _grouped(a: Sequence[Output], b: Sequence[Output], name: Callable[[Output], str]) -> list[CategoryComparison]:
    _same_items(a, b)
    right = {o.id: o for o in b}
    found = []
    for group in sorted({name(o) for o in a}):
        mine = sorted((o for o in a if name(o) == group), key=lambda o: o.id)
        theirs = [right[o.id] for o in mine]
        pairs = [(x.correct, y.correct) for x, y in zip(mine, theirs, strict=True)]
        cells = _cells(pairs)
        low, high = paired_interval(*cells, confidence=0.95)
        found.append(CategoryComparison(
            category=group, n=len(mine), a=rate_of(mine), b=rate_of(theirs), gain=(cells[1] - cells[2]) / len(mine), low=low,
            high=high, won=tuple(o.id for o, (x, y) in zip(mine, pairs, strict=True) if x and not y),
            lost=tuple(o.id for o, (x, y) in zip(mine, pairs, strict=True) if y and not x),
        ))  # fmt: skip
    return found


def paired_cells(a: Sequence[Output], b: Sequence[Output]) -> tuple[int, int, int, int]:
    """(both right, only a, only b, neither) on the call items."""
    _same_items(a, b)
    left, right = {o.id: o.correct for o in call_items(a)}, {o.id: o.correct for o in call_items(b)}
    return _cells([(left[i], right[i]) for i in left])


def _same_items(a: Sequence[Output], b: Sequence[Output]) -> None:
    """The same ids with the same questions: an id alone may stand for another question in a later version of a suite."""
    if sorted((o.id, o.prompt) for o in a) != sorted((o.id, o.prompt) for o in b):
        raise DataError("two models were measured on different items; evaluate both on the same suite and size")


def _cells(pairs: Sequence[tuple[bool, bool]]) -> tuple[int, int, int, int]:
    return (
        sum(x and y for x, y in pairs), sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs),
        sum(not x and not y for x, y in pairs),
    )  # fmt: skip


def paired_interval(both: int, only_a: int, only_b: int, neither: int, confidence: float) -> tuple[float, float]:
    """Interval of the difference of two paired proportions (Newcombe 1998, Statistics in Medicine 17:2635, method 10)."""
    n = both + only_a + only_b + neither
    if n == 0:
        return -1.0, 1.0
    a, b = Rate.of(both + only_a, n, confidence), Rate.of(both + only_b, n, confidence)
    phi = _correlation(both, only_a, only_b, neither)
    gain = a.accuracy - b.accuracy
    da_low, da_high = a.accuracy - a.low, a.high - a.accuracy
    db_low, db_high = b.accuracy - b.low, b.high - b.accuracy
    low = gain - sqrt(max(0.0, da_low**2 - 2 * phi * da_low * db_high + db_high**2))
    high = gain + sqrt(max(0.0, da_high**2 - 2 * phi * da_high * db_low + db_low**2))
    return max(-1.0, low), min(1.0, high)


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if product == 0:
        return 0.0
    cross = float(both * neither - only_a * only_b)
    # Newcombe's continuity correction keeps a positive association from being overstated in small samples.
    if cross > 0:
        cross = max(0.0, cross - (both + only_a + only_b + neither) / 2)
    return float(cross / sqrt(product))


