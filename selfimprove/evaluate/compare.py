"""Paired comparison of two models on the same items.

    compare(outputs_a, outputs_b)     # gain of a over b in call accuracy, with an interval
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

from selfimprove.errors import DataError
from selfimprove.evaluate.metrics import rate
from selfimprove.records import Comparison, Output

ABSTAINING = ("no_tool", "missing")


def call_items(outputs: Sequence[Output]) -> list[Output]:
    return [o for o in outputs if o.kind not in ABSTAINING]


def compare(a: Sequence[Output], b: Sequence[Output], names: tuple[str, str], suite: str) -> Comparison:
    """Call accuracy of a minus b on their call items. Raises DataError when the items differ."""
    both = paired_cells(a, b)
    low, high = paired_interval(*both, confidence=0.95)
    n = sum(both)
    return Comparison(
        a=names[0], b=names[1], suite=suite, n=n, gain=(both[1] - both[2]) / n if n else 0.0, low=low, high=high, wins=both[1],
        losses=both[2],
    )  # fmt: skip


def paired_cells(a: Sequence[Output], b: Sequence[Output]) -> tuple[int, int, int, int]:
    """(both right, only a, only b, neither)."""
    left, right = {o.id: o.correct for o in call_items(a)}, {o.id: o.correct for o in call_items(b)}
    if left.keys() != right.keys():
        raise DataError("two models were measured on different items; evaluate both on the same suite and size")
    pairs = [(left[i], right[i]) for i in left]
    return (
        sum(x and y for x, y in pairs), sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs),
        sum(not x and not y for x, y in pairs),
    )  # fmt: skip


def paired_interval(both: int, only_a: int, only_b: int, neither: int, confidence: float) -> tuple[float, float]:
    """Interval of the difference of two paired proportions (Newcombe 1998, Statistics in Medicine 17:2635, method 10)."""
    n = both + only_a + only_b + neither
    if n == 0:
        return -1.0, 1.0
    a, b = rate(both + only_a, n, confidence), rate(both + only_b, n, confidence)
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


def detectable_gain(only_a: int, only_b: int, n: int, confidence: float, power: float = 0.8) -> float:
    """The smallest true gain that n items with this many disagreements would show with the given power."""
    if n == 0:
        return 1.0
    z = NormalDist().inv_cdf(confidence) + NormalDist().inv_cdf(power)
    # With no disagreement seen, one is assumed: nothing is ever measured exactly.
    return min(1.0, z * sqrt(max(1, only_a + only_b)) / n)
