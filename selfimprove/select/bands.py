"""Bands of difficulty, from c right answers of k.

    band(correct=2, k=4, near_miss=False) == "learnable"
"""

from __future__ import annotations

from typing import Literal

Band = Literal["mastered", "learnable", "frontier", "out_of_reach"]
BANDS: tuple[Band, ...] = ("mastered", "learnable", "frontier", "out_of_reach")


def band(correct: int, k: int, near_miss: bool) -> Band:
    if k and correct == k:
        return "mastered"
    if correct > 0:
        return "learnable"
    return "frontier" if near_miss else "out_of_reach"
