"""Arithmetic and lists of numbers (training part)."""

import math
from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "maths", "train"
Numbers = Annotated[list[float], Param(examples=[[4, 8, 15], [3.5, 2, 9], [12, 7, 30, 1]])]
Whole = Annotated[int, Param(examples=[18, 24, 60, 97])]


def _some(numbers: list) -> list:
    if not numbers:
        raise ValueError("at least one number is needed")
    return numbers


def calculate_average(numbers: Numbers) -> float:
    """Average of a list of numbers."""
    return round(sum(_some(numbers)) / len(numbers), 6)


def calculate_median(numbers: Numbers) -> float:
    """Median of a list of numbers."""
    ordered = sorted(_some(numbers))
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def calculate_sum(numbers: Numbers) -> float:
    """Sum of a list of numbers."""
    return round(sum(_some(numbers)), 6)


def sort_numbers(numbers: Numbers, descending: bool = False) -> list:
    """Sort a list of numbers."""
    return sorted(_some(numbers), reverse=descending)


def greatest_common_divisor(a: Whole, b: Whole) -> int:
    """Greatest common divisor of two integers."""
    return math.gcd(a, b)


def calculate_percentage(
    percent: Annotated[float, Param(examples=[5, 12.5, 30])], of: Annotated[float, Param(examples=[80, 240])]
) -> float:
    """Percentage of a number."""
    return round(percent * of / 100, 6)


def is_prime(number: Whole) -> bool:
    """Check whether a number is prime."""
    if number > 10**9:
        raise ValueError("the number is too large")
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


TOOLS = [
    calculate_average,
    calculate_median,
    calculate_sum,
    sort_numbers,
    greatest_common_divisor,
    calculate_percentage,
    is_prime,
]
