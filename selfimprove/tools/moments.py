"""Dates and times as people write them, and what they can mean.

    dates_in("on March 3rd, 2026")   == {(2026, 3, 3)}        the year is None where none is said
    dates_in("3/4/2026")             == {(2026, 3, 4), (2026, 4, 3)}
    times_in("at half past seven")   == {(7, 30), (19, 30)}

What this is not: a calendar. "Tomorrow" is a date only where the conversation says what day it is (`relative_dates`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from selfimprove.tools.numerals import in_digits

Day = tuple[int | None, int, int]
"""Year (None: not said), month, day."""

_MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_MONTH = {name[:n]: i for i, name in enumerate(_MONTHS, 1) for n in (3, len(name))} | {"sept": 9}
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905
_month = "(" + "|".join(sorted(_MONTH, key=len, reverse=True)) + r")\.?"
_MONTHS_IN_SHORT = tuple(name[:3] for name in _MONTHS)
_parted = re.compile(r"\d[-/.]\d")
_eight_digits = re.compile(r"\d{8}")
"""What the patterns below cannot do without, and quicker to find."""
_year_first = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_compact = re.compile(r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)(?!\d)")
_year_last = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?!\d)")
_short = re.compile(r"(?<![\d/.-])(\d{1,2})/(\d{1,2})(?![\d/])")
_month_first = re.compile(rf"\b{_month}[\s,-]*(?:the\s+)?(\d{{1,2}})(?!\d|:)(?:[\s,]+(?:of\s+)?(\d{{4}})\b)?")
_day_first = re.compile(
    rf"(\d(?<!\d\d)\d?)[\s-]*(?:day\s+)?(?:of\s+)?(?:this\s+|next\s+)?{_month}(?:[\s,-]+(?:of\s+)?(\d{{4}})\b)?\b"
)
_FEASTS: dict[str, tuple[int, int]] = {
    "christmas eve": (12, 24), "christmas": (12, 25), "new year's eve": (12, 31), "new year's day": (1, 1), "new year": (1, 1),
    "valentine": (2, 14), "halloween": (10, 31), "independence day": (7, 4),
}  # fmt: skip

_clock = re.compile(r"(\d(?<![\d:.]\d)\d?)(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(?:o'?clock\s*)?(a\.?m\b|p\.?m\b)?")
_spoken = re.compile(r"(\d(?<![\d:.]\d)\d?) (\d{2})\s*(a\.?m\b|p\.?m\b)")
_past = re.compile(r"\b(0\.5|half|0\.25|quarter|\d{1,2})\s+(?:minutes\s+)?(past|after|to|before)\s+(\d{1,2})(?!\d)")


def dates_in(text: str, *, spelled: bool = True) -> set[Day]:
    """Every day that a lower-case text can mean. Days and months in doubt are given both ways. `spelled`: number words are still
    in it."""
    text = in_digits(text) if spelled else text
    found: set[Day] = set()
    if _parted.search(text):
        for y, m, d in _year_first.findall(text):
            found |= _days(int(y), (int(m), int(d)))
        for a, b, y in _year_last.findall(text):
            year = int(y) if len(y) == 4 else 2000 + int(y)
            found |= _days(year, (int(a), int(b)), (int(b), int(a)))
        for a, b in _short.findall(text):
            found |= _days(None, (int(a), int(b)), (int(b), int(a)))
    if _eight_digits.search(text):
        for y, m, d in _compact.findall(text):
            found |= _days(int(y), (int(m), int(d)))
    if any(map(text.__contains__, _MONTHS_IN_SHORT)):
        for month, d, y in _month_first.findall(text):
            found |= _days(int(y) if y else None, (_MONTH[month], int(d)))
        for d, month, y in _day_first.findall(text):
            found |= _days(int(y) if y else None, (_MONTH[month], int(d)))
    found |= {(None, *day) for name, day in _FEASTS.items() if name in text}
    return found


def _days(year: int | None, *pairs: tuple[int, int]) -> set[Day]:
    return {(year, m, d) for m, d in pairs if 1 <= m <= 12 and 1 <= d <= 31}


def relative_dates(text: str, today: Iterable[date]) -> set[Day]:
    """Days named from today in a text with its numbers in digits: tomorrow, in 3 days, next Friday. `today` are the days that it
    may be."""
    found: set[date] = set()
    for base in today:
        offsets = {n for word, n in (("today", 0), ("tonight", 0), ("tomorrow", 1), ("yesterday", -1)) if word in text}
        if "day after tomorrow" in text:
            offsets.add(2)
        for n, unit, ago in re.findall(r"\b(\d{1,3}|a|an)\s+(day|week)s?\b(\s+ago)?", text):
            days = (int(n) if n.isdigit() else 1) * (7 if unit == "week" else 1)
            offsets.add(-days if ago else days)
        offsets |= {7} if "next week" in text else set()
        named = [i for i, name in enumerate(_WEEKDAYS) if name in text]
        if named:
            offsets |= {n for n in range(-7, 15) if (base + timedelta(n)).weekday() in named}
        if "weekend" in text:
            offsets |= {n for n in range(15) if (base + timedelta(n)).weekday() >= 5}
        found |= {base + timedelta(n) for n in offsets}
    return {(day.year, day.month, day.day) for day in found}


def times_in(text: str, *, bare: bool = True, spelled: bool = True) -> set[tuple[int, int]]:
    """(hour, minute) of every time that a lower-case text can mean: 7 is 7 and 19 where nothing says which. `bare` numbers
    (without minutes or am and pm) count as hours. `spelled`: number words are still in it."""
    text = in_digits(text) if spelled else text
    found: set[tuple[int, int]] = set()
    for hour, minute, _, half in _clock.findall(text):
        if bare or minute or half:
            found |= _hours(int(hour), int(minute or 0), half)
    if "m" in text:
        for hour, minute, half in _spoken.findall(text):
            found |= _hours(int(hour), int(minute), half)
    for part, way, hour in _past.findall(text):
        minutes = 30 if part in ("half", "0.5") else 15 if part in ("quarter", "0.25") else int(part)
        total = int(hour) * 60 + (minutes if way in ("past", "after") else -minutes)
        found |= _hours(total // 60 % 24, total % 60, "")
    found |= {time for word, time in (("noon", (12, 0)), ("midday", (12, 0)), ("midnight", (0, 0))) if word in text}
    return found


def _hours(hour: int, minute: int, half: str) -> set[tuple[int, int]]:
    if hour > 24 or minute > 59:
        return set()
    if half.startswith("p"):
        return {(hour % 12 + 12, minute)}
    if half.startswith("a"):
        return {(hour % 12, minute)}
    if 0 < hour < 12:
        return {(hour, minute), (hour + 12, minute)}
    return {(12, minute), (0, minute)} if hour == 12 else {(hour % 24, minute)}


def without_dates(text: str) -> str:
    """A lower-case text with its numbers in digits, without its dates: the 20th of March is no hour."""
    for pattern in (_year_first, _compact, _year_last, _month_first, _day_first, _short):
        text = pattern.sub(" ", text)
    return text


def rest_of(text: str) -> str:
    """What a lower-case text says beside dates and times."""
    text = _clock.sub(" ", without_dates(in_digits(text)))
    return re.sub(r"\b(?:t|z|at|on|the|of|utc|gmt|" + "|".join([*_WEEKDAYS, *(d[:3] for d in _WEEKDAYS)]) + r")\b", " ", text)
