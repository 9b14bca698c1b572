"""What a conversation says, indexed once: words, stems, numbers, measures, dates, times. Read by `trace.py`.

    said = Conversation("Is it above 20 degrees in San José tomorrow?")
    said.has("san jose"), 20.0 in said.numbers
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cached_property
from itertools import accumulate

from selfimprove.tools.moments import Day, dates_in, relative_dates, times_in
from selfimprove.tools.numerals import in_digits, numbers_in

LARGEST = 400_000
"""Characters that are looked at. A longer conversation is cut in the middle: its two ends matter most."""
_token = re.compile(r"[^\W_]+")
_measure = re.compile(r"(?<![\w.])(?<!\d,)(\d[\d,]*+(?:\.\d++)?+|an?|per)[\s-]*(?:of\s+)?(?:an?\s+)?([a-z]+|[°%$€£¥])")
_before = re.compile(r"([$€£¥])\s?(\d[\d,]*(?:\.\d+)?)")
_ENDINGS = ("ingly", "ing", "edly", "ies", "ied", "ers", "est", "es", "ed", "er", "ly", "s", "e", "y")


def folded(text: str) -> str:
    """Lower-case text without accents."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.casefold()


def tokens(text: str) -> list[str]:
    """Words and numbers of a folded text, in order."""
    return _token.findall(text)


def stem(word: str) -> str:
    """A word without its ending, crudely: enough to see that "flights" and "flight" are one."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending in _ENDINGS:
        # Shorter stems meet by accident: "string" and "stress" would both be "str".
        if word.endswith(ending) and len(word) - len(ending) >= (3 if ending == "s" else 4):
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


class Conversation:
    """The texts of a conversation. What is computed is computed at first use and kept."""

    def __init__(self, text: str) -> None:
        self.raw = text if len(text) <= LARGEST else text[: LARGEST // 2] + "\n" + text[-LARGEST // 2 :]
        self.text = folded(self.raw)
        self.tokens = tokens(self.text)
        self.plain = " " + " ".join(self.tokens) + " "

    def has(self, plain: str) -> bool:
        """Whether words (folded, one space between) stand in the text in this order."""
        return f" {plain} " in self.plain

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(self.tokens)

    @cached_property
    def raw_words(self) -> frozenset[str]:
        """Words with their capitals: NO is Norway, no is not."""
        return frozenset(_token.findall(self.raw))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

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
    def digits(self) -> str:
        return in_digits(self.text)

    @cached_property
    def numbers(self) -> frozenset[float]:
        return frozenset(numbers_in(self.digits, spelled=False))

    @cached_property
    def measures(self) -> frozenset[tuple[float, str]]:
        """(number, unit or the word behind it); "an hour" is one hour."""
        found = {(_amount(n), unit) for n, unit in _measure.findall(self.digits)}
        return frozenset(found | {(_amount(n), unit) for unit, n in _before.findall(self.digits)})

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
        return frozenset(dates_in(self.text))

    @cached_property
    def dates(self) -> frozenset[Day]:
        return self.stated_dates | relative_dates(self.text, self.today)

    @cached_property
    def times(self) -> frozenset[tuple[int, int]]:
        return frozenset(times_in(self.text))


def _amount(text: str) -> float:
    return float(text.replace(",", "")[:300]) if text[0].isdigit() else 1.0
