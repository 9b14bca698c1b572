"""Whether a conversation says a number, and not a near one: another sign, a part of it, or numbers in another order.

    is_said(5, "5", Conversation("It costs 5.75, not -5")) is False
    is_below_zero(-5, Conversation("5 degrees below zero")) and is_in_order("10-12", Conversation("ages 10 to 12"))
"""

from __future__ import annotations

import re
from itertools import islice

from selfimprove.tools.conversation import Conversation
from selfimprove.tools.numerals import SCALES, numbers_in
from selfimprove.tools.units import is_another_unit, named_units
from selfimprove.tools.words import tokens

_negative = re.compile(
    r"\b(?:minus|negative|below|under|south|west|decrease\w*|reduce\w*|lower\w*|down|loss|lost|drop\w*)\b|[\d°]\s*[sw]\b"
)
_thousands = re.compile(r"(?<=\d),(?=\d{3}\b)")


def is_said(number: float, text: str, said: Conversation) -> bool:
    """Whether a number stands in the conversation by itself: 5 is not said in -5, 5.75 or 1,005."""
    if not said.has(text):
        return False
    raw = said.raw
    near = "-" + text in raw or "." + text in raw or "," + text in raw or "\u2212" + text in raw
    return not (near or _is_continued(text, raw)) or said.has_number(number)


def is_meant_otherwise(number: float, said: Conversation, name: str, description: str) -> bool:
    """Whether all that is said of a number makes it another one for an argument: 2 hours are no 2 where its name or its
    description asks for seconds, 2.5 million are no 2.5, and minus 5 is no 5."""
    named = named_units(name[:100], description[:400])
    if number < 0 or not (named or said.has_scales):
        return False
    said_of = said.meant.get(number)
    if not said_of or "" in said_of:
        return False
    about = f"{name} {description}".lower()
    return not any(
        _scale.search(about) if one == "scale" else one != "minus" and not is_another_unit(one, named) for one in said_of
    )


_scale = re.compile("|".join(SCALES) + r"|\bk\b")


def _is_continued(text: str, raw: str) -> bool:
    """Whether a point or a comma and more digits follow it somewhere."""
    for longer in (text + ".", text + ","):
        start = raw.find(longer)
        while start >= 0:
            start += len(longer)
            if raw[start : start + 1].isdecimal():
                return True
            start = raw.find(longer, start)
    return False


def is_below_zero(number: float, said: Conversation) -> bool:
    """Whether a word that makes a number negative stands near it: "under 5" far away says nothing of another 5."""
    near = (said.digits[max(0, found.start() - 30) : found.end() + 30] for found in islice(_negative.finditer(said.digits), 100))
    return any(-number in numbers_in(words, spelled=False) for words in near)


def is_in_order(text: str, said: Conversation) -> bool:
    """Whether the numbers of a text come as they were said: 2.1 is not 1.2, nor 5 apples and 3 pears 3 apples and 5 pears."""
    numbers = [word for word in tokens(_thousands.sub("", text)) if word.isdecimal()]
    rest = iter(tokens(_thousands.sub("", said.digits)) if len(numbers) > 1 else numbers)
    return all(number in rest for number in numbers)
