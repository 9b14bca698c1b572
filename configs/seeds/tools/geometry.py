"""Areas and volumes of simple shapes (held-out part)."""

import math
from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "geometry", "held_out"
Size = Annotated[float, Param(examples=[2, 4.5, 9, 13])]


def _positive(*sizes: float) -> None:
    if min(sizes) <= 0:
        raise ValueError("sizes must be above 0")


def area_of_circle(radius: Size) -> float:
    """Area of a circle."""
    _positive(radius)
    return round(math.pi * radius**2, 4)


def area_of_rectangle(width: Size, height: Size) -> float:
    """Area of a rectangle."""
    _positive(width, height)
    return round(width * height, 4)


def area_of_triangle(base: Size, height: Size) -> float:
    """Area of a triangle."""
    _positive(base, height)
    return round(base * height / 2, 4)


def volume_of_box(length: Size, width: Size, height: Size) -> float:
    """Volume of a box."""
    _positive(length, width, height)
    return round(length * width * height, 4)


TOOLS = [area_of_circle, area_of_rectangle, area_of_triangle, volume_of_box]
