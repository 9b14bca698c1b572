"""What a conversation says, indexed once: words, stems, numbers, measures, dates, times. Read by `trace.py`.

    said = Conversation("Is it above 20 degrees in San José tomorrow?")
    said.has("san jose"), 20.0 in said.numbers
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from itertools import accumulate

from selfimprove.tools.moments import Day, dates_in, relative_dates, times_in
from selfimprove.tools.numerals import SPELLED, in_digits, numbers_in
from selfimprove.tools.units import UNITS, converted
from selfimprove.tools.words import folded, numbers_of, stem, tokens

LARGEST = 400_000
"""Characters that are looked at. A longer conversation is cut in the middle: its two ends matter most."""
SHORT = 4_000
"""Characters that are searched anew for each word."""
_measure = re.compile(r"(?<![\w.])(?<!\d,)(\d[\d,]*+(?:\.\d++)?+|(?:an?|per)\b)[\s-]*(?:of\s+)?(?:an?\s+)?([a-z]+|[°%$€£¥])")
_before = re.compile(r"([$€£¥])\s?(\d[\d,]*(?:\.\d+)?)")
_raw_word = re.compile(r"[^\W_]+")
_any_digit = re.compile(r"\d")


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
        return not self.raw_words.isdisjoint(numbers_of(word))

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
        return frozenset(times_in(self.digits, spelled=False))


def _amount(text: str) -> float:
    return float(text.replace(",", "")[:300]) if text[0].isdigit() else 1.0
