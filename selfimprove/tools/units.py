"""Measures said in one unit and meant in another: "2 hours" is 120 minutes, "5 %" is 0.05, "half a million" is not here.

    (120.0, frozenset({"minute", "min"})) in set(converted(2.0, "hours"))
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from selfimprove.tools.words import folded, tokens

_DIMENSIONS: tuple[dict[str, float], ...] = (
    {"millisecond ms": 0.001, "second sec s": 1,
     "minute min": 60, "hour hr h": 3600, "day": 86400, "week fortnightly": 604800, "fortnight": 1209600},
    {"month": 1, "quarter": 3, "year yr": 12, "decade": 120},
    {"millimeter millimetre mm": 0.001, "centimeter centimetre cm": 0.01, "meter metre m": 1, "kilometer kilometre km k": 1000,
     "inch inche in": 0.0254, "foot feet ft": 0.3048, "yard yd": 0.9144, "mile mi": 1609.344},
    {"milligram mg": 0.001, "gram g": 1, "kilogram kilo kg": 1000, "tonne": 1_000_000, "ounce oz": 28.349523125,
     "pound lb": 453.59237},
    {"milliliter millilitre ml": 0.001, "liter litre l": 1},
    {"byte b": 1, "kilobyte kb": 1e3, "megabyte mb": 1e6, "gigabyte gb": 1e9, "terabyte tb": 1e12},
    {"byte b": 1, "kilobyte kb": 1024, "megabyte mb": 1024**2, "gigabyte gb": 1024**3, "terabyte tb": 1024**4},
    {"cent": 0.01, "dollar $ usd": 1, "euro €": 1, "pound £": 1},
    {"% percent percentage": 0.01, "fraction": 1},
    {"w watt": 1, "kilowatt kw": 1000}, {"day": 1, "week": 7, "month": 30, "year": 365}, {"hz hertz": 1, "khz": 1e3, "mhz": 1e6},
)  # fmt: skip
_NAMED = tuple([(frozenset(names.split()), factor) for names, factor in units.items()] for units in _DIMENSIONS)
_SHORT = frozenset({"ms", "cm", "mm", "km", "kg", "mg", "ml", "mi", "ft", "lb", "oz", "kw", "gb", "mb", "kb", "tb", "hz"})
_joint = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_OF: dict[str, list[tuple[int, float]]] = {}
for _number, _units in enumerate(_NAMED):
    for _names, _factor in _units:
        for _name in _names:
            _OF.setdefault(_name, []).append((_number, _factor))
_DEGREES = {"fahrenheit", "f", "degree", "°", "celsius", "centigrade", "c"}
UNITS = frozenset(name + s for name in _DEGREES | _OF.keys() for s in ("", "s"))
"""Every word that `converted` knows."""


def converted(number: float, unit: str) -> Iterator[tuple[float, frozenset[str]]]:
    """The measure in every unit of its dimensions, with that unit's names; degrees in the other scale."""
    one = _singular(unit)
    for dimension, factor in _OF.get(unit) or _OF.get(one, []):
        yield from ((number * factor / other, names) for names, other in _NAMED[dimension])
    if one in ("fahrenheit", "f", "degree", "°"):
        yield (number - 32) / 1.8, frozenset({"celsius", "centigrade"})
    if one in ("celsius", "centigrade", "c", "degree", "°"):
        yield number * 1.8 + 32, frozenset({"fahrenheit"})


@lru_cache(maxsize=4096)
def named_units(name: str, description: str) -> frozenset[str]:
    """Units that an argument's name or description speaks of: duration_seconds, "Length (km)". Kept: give their beginnings."""
    words = tokens(folded(_joint.sub(" ", f"{name} {description}")))
    known = {one for word in words for one in (word, _singular(word)) if one in _OF or one in _DEGREES}
    return frozenset(one for one in known if len(one) > 2 or one in _SHORT)


def is_another_unit(unit: str, named: frozenset[str]) -> bool:
    """Whether a measure said in `unit` is another number in the units that are asked for: 2 hours where seconds are. The same
    word, a degree of no scale and units of other dimensions are not."""
    one = _singular(unit)
    if one in ("degree", "°") or (len(one) < 3 and one not in _SHORT and one not in ("h", "hr", *"$€£¥%")):
        return False
    found = [(amount, names) for amount, names in converted(1.0, unit) if not named.isdisjoint(names)]
    return bool(found) and all(amount != 1.0 for amount, _ in found) and named.isdisjoint((unit, one))


def names_unit(unit: frozenset[str], *texts: object) -> bool:
    """Whether one of a tool's texts names the unit. Shares are said in percent and meant as fractions everywhere; 100 dollars
    are 10,000 cents only where cents are asked for."""
    if "fraction" in unit:
        return True
    words = {w for text in texts if isinstance(text, str) for w in tokens(folded(_joint.sub(" ", text[:2000])))}
    # "in" is a word and m a name: short ones count where they can be nothing else.
    return any(len(w) > 2 or w in _SHORT for w in words & unit) or any(w in unit for w in map(_singular, words) if len(w) > 2)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") else word
