"""How figures are spelled for people: percent, points, seconds. One place, so that table and report agree.

    percent(score)      "52.3 (40–64)"
    points(0.125)       "+12.5"
    duration(80)        "1m20s"

What this is not: what the figures mean. That is `definitions`.
"""

from __future__ import annotations

from selfimprove.observe.figures import Return
from selfimprove.records import Comparison, Decision, Rate

NOTHING = "–"
"""Stands for a figure that was not measured."""


def percent(score: Rate | None) -> str:
    """Percent with the bounds of the interval in whole percent."""
    if score is None:
        return NOTHING
    value = f"{score.accuracy * 100:.1f}".removesuffix(".0" if score.accuracy == 1 else "")
    return f"{value} ({score.low * 100:.0f}–{score.high * 100:.0f})"


def points(gain: float) -> str:
    """A difference of shares, in percentage points with a sign."""
    return f"{gain * 100:+.1f}"


def count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def share(value: float | None) -> str:
    return NOTHING if value is None else f"{value * 100:.0f} %"


def duration(seconds: float) -> str:
    """42s, 1m20s, 2h05m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02d}s" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def verdict(decision: Decision | None, champion: bool) -> str:
    """The word in the table's last column."""
    if decision is None:
        return NOTHING
    word = "adopted" if decision.promoted else "kept"
    return f"{word} *" if champion else word


def comparison_sentence(found: Comparison, champion: str | None) -> str:
    """Such as "Champion (round-002) minus base: +31.2 points of call accuracy (95 % interval +20.1 to +42.3) on ..."."""
    first = f"champion ({found.a})" if champion and found.a == champion else found.a
    if found.a == found.b or (found.a == "champion" and found.b == champion):
        return f"The champion is {found.b} itself: no round was adopted, so there is nothing to compare."
    side = "lies above" if found.low > 0 else "includes" if found.high >= 0 else "lies below"
    text = (
        f"{first} minus {found.b}: {points(found.gain)} points of call accuracy (95 % interval {points(found.low)} to "
        f"{points(found.high)}) on {found.n} {found.suite} items, {found.wins} wins, {found.losses} losses; the interval "
        f"{side} 0."
    )
    return text[:1].upper() + text[1:]


def return_sentence(found: Return) -> str:
    return (
        f"Return of round {found.round}: {points(found.gain)} points in {found.device_hours:.3f} device-hours and "
        f"{found.generated_tokens:,} generated tokens: {found.per_device_hour:+.1f} a device-hour, "
        f"{found.per_1000_tokens:+.2f} a 1,000 tokens."
    )


def lucky_sentence(chance: float, contests: int) -> str:
    return (
        f"{contests} challengers have met the same gate items: had none been better than its champion, luck would have adopted "
        f"one or more in up to {share(chance)} of cases. The test suite decides nothing, so it is the honest figure."
    )
