"""Conversions between units of one kind (training part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "units", "train"
METRES = {"meters": 1.0, "kilometers": 1000.0, "miles": 1609.344, "feet": 0.3048, "inches": 0.0254}
GRAMS = {"grams": 1.0, "kilograms": 1000.0, "pounds": 453.59237, "ounces": 28.349523125}
LITRES = {"liters": 1.0, "milliliters": 0.001, "cups": 0.24, "gallons": 3.785411784}
Length = Literal["meters", "kilometers", "miles", "feet", "inches"]
Weight = Literal["grams", "kilograms", "pounds", "ounces"]
Volume = Literal["liters", "milliliters", "cups", "gallons"]
Scale = Literal["celsius", "fahrenheit", "kelvin"]
Amount = Annotated[float, Param(examples=[3, 12, 7.5, 40, 150, 2.25])]


def _convert(value: float, from_unit: str, to_unit: str, table: dict) -> float:
    if value < 0:
        raise ValueError("the value must not be negative")
    return round(value * table[from_unit] / table[to_unit], 6)


def convert_length(value: Amount, from_unit: Length, to_unit: Length) -> float:
    """Convert a length or distance."""
    return _convert(value, from_unit, to_unit, METRES)


def convert_weight(value: Amount, from_unit: Weight, to_unit: Weight) -> float:
    """Convert a weight."""
    return _convert(value, from_unit, to_unit, GRAMS)


def convert_volume(value: Amount, from_unit: Volume, to_unit: Volume) -> float:
    """Convert a volume."""
    return _convert(value, from_unit, to_unit, LITRES)


def convert_temperature(value: Amount, from_unit: Scale, to_unit: Scale) -> float:
    """Convert a temperature."""
    celsius = {"celsius": value, "fahrenheit": (value - 32) * 5 / 9, "kelvin": value - 273.15}[from_unit]
    if celsius < -273.15:
        raise ValueError("nothing is colder than absolute zero")
    return round({"celsius": celsius, "fahrenheit": celsius * 9 / 5 + 32, "kelvin": celsius + 273.15}[to_unit], 4)


TOOLS = [convert_length, convert_weight, convert_volume, convert_temperature]
