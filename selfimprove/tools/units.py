"""Measures said in one unit and meant in another: "2 hours" is 120 minutes, "5 %" is 0.05, "half a million" is not here.

    120.0 in set(converted(2.0, "hours"))
"""

from __future__ import annotations

from collections.abc import Iterator

_DIMENSIONS: tuple[dict[str, float], ...] = (
    {"second sec s": 1, "minute min": 60, "hour hr h": 3600, "day": 86400, "week fortnightly": 604800, "fortnight": 1209600},
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
_OF: dict[str, list[tuple[int, float]]] = {}
for _number, _units in enumerate(_DIMENSIONS):
    for _names, _factor in _units.items():
        for _name in _names.split():
            _OF.setdefault(_name, []).append((_number, _factor))


def converted(number: float, unit: str) -> Iterator[float]:
    """The measure in every other unit of its dimensions; degrees in the other scale."""
    singular = unit[:-1] if len(unit) > 2 and unit.endswith("s") else unit
    for dimension, factor in _OF.get(unit) or _OF.get(singular, []):
        yield from (number * factor / other for other in _DIMENSIONS[dimension].values())
    if singular in ("fahrenheit", "f", "degree", "°"):
        yield (number - 32) / 1.8
    if singular in ("celsius", "centigrade", "c", "degree", "°"):
        yield number * 1.8 + 32
