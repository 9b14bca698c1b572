"""Numbers as people write them: 1,000, 2.5k, "twenty five", "one hundred and fifty", "third", "a dozen", "half".

    in_digits("two hundred and five days, the third time") == "205 days, the 3 time"
    numbers_in("1,000 or -2.5k") == {1000.0, -2500.0}
"""

from __future__ import annotations

import re

from selfimprove.tools.words import tokens

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENTHS = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"
SMALL = {
    **{w: i for names in (_UNITS, _ORDINALS) for i, w in enumerate(names.split())},
    **{w: 10 * i for names in (_TENS, _TENTHS) for i, w in enumerate(names.split(), 2)},
}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "trillion": 10**12,
          "lakh": 100_000, "crore": 10_000_000}  # fmt: skip
_FIXED = {"half": "0.5", "dozen": "12", "couple": "2", "twice": "2", "thrice": "3", "once": "1", "quarter": "0.25", "pair": "2"}
LARGEST = 10**30
"""No user spells out more; "million million million ..." would have a million digits."""
_word = re.compile(r"[a-z]+")
_words = "|".join(sorted((*SMALL, *SCALES), key=len, reverse=True))
_run = re.compile(rf"\b(?:{_words})(?:(?:[\s-]+(?:and\s+)?)(?:{_words}))*\b")
_fixed = re.compile(r"\b(" + "|".join(_FIXED) + r")\b")
_and_a_half = re.compile(r"\b(\d+)\s+and\s+(?:a\s+)?(half|quarter)\b")
_point = re.compile(r"\b(\d+) point (\d+)\b")
# Runs of digits are taken whole and from their beginning: a query of a megabyte of them must not take minutes.
_scaled = re.compile(r"(\d(?<!\d\d)(?<!\d,\d)[\d,]*+(?:\.\d++)?+)\s?(k|m|mn|bn|b|" + "|".join(SCALES) + r")\b")
_SHORT = {"k": 1_000, "m": 1_000_000, "mn": 1_000_000, "b": 1_000_000_000, "bn": 1_000_000_000}
_number = re.compile(r"(\d(?<![\d.]\d)(?:\d{0,2}(?:,\d{3})+(?!\d)|\d*))(\.\d+)?")
_MINUS = ("-", "\u2212")
_minus = re.compile(r"(?<![\w.)])[-\u2212]")
_leading_point = re.compile(r"\.(?<![\w.]\.)(\d+)\b")
_fraction = re.compile(r"(?<![\d/])(\d{1,3})\s?/\s?(\d{1,3})(?![\d/])")
_ordinal_mark = re.compile(r"(\d)(?:st|nd|rd|th)\b")


SPELLED = frozenset((*SMALL, *SCALES, *_FIXED, "point"))
"""Every word that is read as a number or a part of one."""


def in_digits(text: str, words_of: list[str] | None = None) -> str:
    """Lower-case text with its number words in digits; `second` stays a word where no number stands before it. `words_of`: its
    tokens, where they are known."""
    # Whole words as `tokens` finds them: what these patterns look for stands between edges of words.
    words = SPELLED.intersection(tokens(text) if words_of is None else words_of)
    if words:
        text = _run.sub(_digits, text)
        if "point" in words:
            text = _point.sub(r"\1.\2", text)
        if not words.isdisjoint(_FIXED):
            text = _and_a_half.sub(lambda m: f"{m[1]}{'.5' if m[2] == 'half' else '.25'}", text)
            text = _fixed.sub(lambda m: _FIXED[m[1]], text)
    return _ordinal_mark.sub(r"\1", text)


def _digits(match: re.Match[str]) -> str:
    words = [w for w in _word.findall(match[0]) if w != "and"]
    if words == ["second"]:
        rate = match.string[max(0, match.start() - 6) : match.start()].endswith(("per ", "each ", "every "))
        return match[0] if rate else "2 second"
    if words[0] in SCALES and match.string[max(0, match.start() - 2) : match.start()].strip()[-1:].isdigit():
        return match[0]
    total = current = 0
    parts: list[str] = []
    last = 1_000
    for word in words:
        if word in SCALES:
            current = min(max(current, 1) * SCALES[word], LARGEST)
            if SCALES[word] >= 1_000:
                total, current = total + current, 0
            last = 1_000
            continue
        value = SMALL[word]
        # "twenty five" is one number, "five six" are two.
        if (current or total) and not (last >= 1_000 or (last >= 20 and last % 10 == 0 and 0 < value < 10)):
            parts.append(str(total + current))
            total = current = 0
        current, last = current + value, value or 1
    return " ".join([*parts, str(total + current)])


def numbers_in(text: str, *, spelled: bool = True) -> set[float]:
    """All numbers of a lower-case text; a minus sign counts where it is no hyphen. `spelled`: number words are still in it."""
    digits = in_digits(text) if spelled else text
    found: set[float] = set()
    for number in _number.finditer(digits):
        whole = number[0]
        # Hundreds of digits are no number that a tool takes; float() would give infinity, which equals itself.
        value = float(whole if len(whole) < 4 else number[1].replace(",", "")[:300] + (number[2] or "")[:300])
        start = number.start()
        found.add(-value if digits[start - 1 : start] in _MINUS and _minus.match(digits, start - 1) else value)
    if "." in digits:
        found |= {float("0." + d) for d in _leading_point.findall(digits)}
    for number, scale in _scaled.findall(digits):
        found.add(float(number.replace(",", "")[:300]) * (_SHORT.get(scale) or SCALES[scale]))
    if "/" in digits:
        found |= {int(a) / int(b) for a, b in _fraction.findall(digits) if int(b)}
    return found

