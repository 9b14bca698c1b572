"""What a conversation says, indexed once: words, stems, numbers, measures, dates, times. Read by `trace.py`.

    said = Conversation("Is it above 20 degrees in San José tomorrow?")
    said.has("san jose"), 20.0 in said.numbers
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import Any

from selfimprove.tools.moments import Day, dates_in, relative_dates, times_in, without_dates
from selfimprove.tools.numerals import SCALES, SPELLED, in_digits, numbers_in
from selfimprove.tools.units import UNITS, converted
from selfimprove.tools.words import folded, numbers_of, stem, tokens

LARGEST = 400_000
"""Characters that are looked at. A longer conversation is cut in the middle: its two ends matter most."""
SHORT = 4_000
"""Characters that are searched anew for each word."""
MOST_TOOLS = 8
"""Tools whose traced values are kept."""
_measure = re.compile(r"(?<![\w.])(?<!\d,)(\d[\d,]*+(?:\.\d++)?+|(?:an?|per)\b)[\s-]*(?:of\s+)?(?:an?\s+)?([a-z]+|[°%$€£¥])")
_before = re.compile(r"([$€£¥])\s?(\d[\d,]*(?:\.\d+)?)")
_mention = re.compile(
    r"(\b(?:is|to|of|at|be|by|from|was) (?:minus|negative)\s+)?(?<![\w.,])([$€£¥]\s?)?(\d[\d,]*+(?:\.\d++)?+)"
    rf"(?:[\s-]?(k|mn|bn|{'|'.join(SCALES)})\b(?!\s(?:run|race|walk|tv|video|monitor|screen)\b)"
    r"|[\s-]*(?:(degrees?|°)\s*(f|c|fahrenheit|celsius)\b|([a-z]+|[°%$€£¥])))?"
)
"""A number as it is meant: a minus that is a sign (not one between two things), a currency, a scale, a unit."""
_SCALES_AND_SIGNS = ("minus", "negative", *SCALES)
_short_scale = re.compile(r"\d[\s-]?(?:k|mn|bn)\b")
_raw_word = re.compile(r"[^\W_]+")
_any_digit = re.compile(r"\d")
_JOINTS = frozenset("0123456789.,-")
_JOINING = ("point", "half", "quarter")  # make one number of two, or another one of one
_NO_DIGITS = bytes(range(48)) + bytes(range(58, 256))


def is_numeric(text: str) -> bool:
    """Whether a plain text may say a number, in digits or in words."""
    digits = _any_digit.search(text) if text.isascii() else any(c.isdigit() for c in text)
    return bool(digits) or not SPELLED.isdisjoint(text.split())


class Conversation:
    """The texts of a conversation. What is computed is computed at first use and kept."""

    def __init__(self, text: str) -> None:
        self.raw = text if len(text) <= LARGEST else text[: LARGEST // 2] + "\n" + text[-LARGEST // 2 :]
        self.text = folded(self.raw)
        self.tokens = tokens(self.text)
        self.plain = f" {' '.join(self.tokens)} "
        self.speaks: dict[tuple[str, str], bool] = {}
        """Whether a tool's name and description are spoken of, where that was asked."""
        self._traced: dict[tuple[object, str], dict[Any, str | None]] = {}

    def traced(self, tool: object, about: str) -> dict[Any, str | None]:
        """Where values of a tool, given by what stands for its content, were found to come from, to be looked up and added to."""
        if tool is None or len(about) > SHORT:
            return {}
        found = self._traced.get((tool, about))
        if found is None:
            if len(self._traced) >= MOST_TOOLS:
                self._traced.clear()
            found = self._traced[tool, about] = {}
        return found

    def has(self, plain: str) -> bool:
        """Whether words (folded, one space between) stand in the text in this order."""
        return f" {plain} " in self.plain

    def has_word(self, word: str) -> bool:
        """`has` for one word: a short text is searched in less time than its words take to be indexed."""
        return self.has(word) if len(self.plain) < SHORT else word in self.words

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(self.tokens)

    @cached_property
    def raw_words(self) -> frozenset[str]:
        """Words with their capitals: NO is Norway, no is not."""
        return frozenset(_raw_word.findall(self.raw))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

    def has_stem(self, word: str) -> bool:
        """Whether a word stands in the text in some form."""
        sought = stem(word)
        # A stem begins its word: most that are not there need no other word's stem, and most that are need one.
        start = self.plain.find(f" {sought}") + 1
        return start > 0 and (stem(self.plain[start : self.plain.index(" ", start)]) == sought or sought in self.stems)

    def has_form(self, word: str) -> bool:
        """Whether a word is said in singular or plural: "movie" for "movies". Other endings are no proof: "movi", "moviest". What
        is only said with a capital has no plural: "Pari" is not what there are several of in "Paris"."""
        return any(form in self.raw and form in self.raw_words for form in numbers_of(word))

    def has_joined(self, joined: str) -> bool:
        """Whether whole words stand in the text that are this one without the spaces: "livingroom" for "living room"."""
        start = self.joined.find(joined)
        while start >= 0:
            # Scripts without spaces between words have no edges to stop at.
            if ord(joined[0]) > 0x2E7F or (start in self.edges and start + len(joined) in self.edges):
                return True
            start = self.joined.find(joined, start + 1)
        return False

    @cached_property
    def joined(self) -> str:
        return "".join(self.tokens)

    @cached_property
    def edges(self) -> frozenset[int]:
        """Positions in `joined` where words begin or end."""
        return frozenset(accumulate(map(len, self.tokens), initial=0))

    @cached_property
    def has_numbers(self) -> bool:
        """Whether a number may be said, in digits or in words."""
        return is_numeric(self.plain)

    @cached_property
    def spells_numbers(self) -> bool:
        """Whether a word is said that is read as a number or a part of one."""
        return not SPELLED.isdisjoint(self.tokens)

    @cached_property
    def only_digits(self) -> str:
        """All digits that are said, without what stands between them."""
        return self.text.encode().translate(None, _NO_DIGITS).decode()

    def has_number(self, number: float) -> bool:
        """`number in numbers`; most numbers are found, or cannot be there, without all that are said being read."""
        text = self.text
        if "numbers" not in self.__dict__ and text.isascii():
            shown = str(int(number) if type(number) is float and number.is_integer() else number)
            digits = shown.replace(".", "").lstrip("-")
            if digits.isdecimal() and len(digits) < 16:  # so few are never rounded to those of another number
                start = text.find(shown)
                if start >= 0 and _stands_alone(text, start, start + len(shown)):
                    return True
                # What is read as a number has all its digits here, in this order.
                few = len(self.only_digits) < 16 and "/" not in text
                if few and digits.strip("0") not in self.only_digits and not self.spells_numbers:
                    return False
        return number in self.numbers

    @cached_property
    def digits(self) -> str:
        return in_digits(self.text, self.tokens) if self.has_numbers else self.text

    @cached_property
    def numbers(self) -> frozenset[float]:
        return frozenset(numbers_in(self.digits, spelled=False)) if self.has_numbers else frozenset()

    @cached_property
    def measures(self) -> frozenset[tuple[float, str]]:
        """(number, unit); "an hour" is one hour."""
        found = {(_amount(n), unit) for n, unit in _measure.findall(self.digits) if unit in UNITS}
        return frozenset(found | {(_amount(n), unit) for unit, n in _before.findall(self.digits)})

    @cached_property
    def conversions(self) -> list[tuple[float, frozenset[str]]]:
        """The measures in every unit, with that unit's names."""
        return [other for amount, unit in self.measures for other in converted(amount, unit)]

    @cached_property
    def has_scales(self) -> bool:
        """Whether a scale or a sign may be said in a word; nearly always none is, and that is quickly seen."""
        return any(map(self.text.__contains__, _SCALES_AND_SIGNS)) or _short_scale.search(self.text) is not None

    @cached_property
    def meant(self) -> dict[float, set[str]]:
        """What stands by each number: a unit, "scale" (2.5 million), "minus", or "" for nothing of the kind."""
        found: dict[float, set[str]] = {}
        for mention in _mention.finditer(self.digits):
            minus, currency, number, scale, degrees, of_degrees, unit = mention.groups()
            if degrees:
                unit = {"f": "fahrenheit", "c": "celsius"}.get(of_degrees, of_degrees)
            unit = currency.strip() if currency else unit
            said = "minus" if minus else "scale" if scale else unit if unit in UNITS else ""
            found.setdefault(_amount(number), set()).add(said)
        return found

    @cached_property
    def today(self) -> list[date]:
        """What day it may be: every full date that is said, where one is said."""
        found = []
        for y, m, d in self.stated_dates:
            if y and 1900 <= y <= 2100:
                try:
                    found.append(date(y, m, d))
                except ValueError:
                    continue
        return found[:8]

    @cached_property
    def stated_dates(self) -> frozenset[Day]:
        return frozenset(dates_in(self.digits, spelled=False))

    @cached_property
    def dates(self) -> frozenset[Day]:
        return self.stated_dates | relative_dates(self.digits, self.today)

    @cached_property
    def times(self) -> frozenset[tuple[int, int]]:
        return frozenset(times_in(without_dates(self.digits), spelled=False))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether digits are a number of their own, also when the words of the text are read as numbers."""
    before = text[start - 1 : start]
    if before in _JOINTS or text[end : end + 1].isalnum() or (text[start] == "-" and before and not before.isspace()):
        return False
    return not (text[end : end + 1] in ".," and text[end + 1 : end + 2].isalnum()) and not any(map(text.__contains__, _JOINING))


def _amount(text: str) -> float:
    return float(text.replace(",", "")[:300]) if text[0].isdigit() else 1.0
