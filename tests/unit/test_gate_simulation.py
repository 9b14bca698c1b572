"""The gate's promises, by a small simulation; `make bench NAME=gate` is the large one."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.gate import fewest_wins, gate, promoted, tail
from selfimprove.evaluate.gate import detectable_gain


@pytest.mark.parametrize(("n", "accuracy", "apart"), [(64, 0.5, 0.6), (96, 0.2, 0.2), (200, 0.65, 0.3), (400, 0.5, 0.1)])
def test_a_model_that_is_no_better_is_adopted_in_at_most_one_of_twenty_cases(n: int, accuracy: float, apart: float) -> None:
    share = promoted(np.random.default_rng(3), n, accuracy, apart, 0.0, draws=150)
    assert 0.02 < share <= 0.05


@pytest.mark.parametrize("n", [100, 200, 400])
def test_the_gain_that_is_named_as_detectable_is_adopted_in_four_of_five_cases(n: int) -> None:
    apart = round(0.1 * n)
    gain = detectable_gain(apart // 2, apart - apart // 2, n, 0.95)
    assert 0.76 < promoted(np.random.default_rng(3), n, 0.4, max(0.1, gain), gain, draws=150) < 0.86


def test_the_simulation_s_shortcuts_are_exact() -> None:
    wins = fewest_wins(96, 20, 30)
    assert gate(30, wins, 20 - wins, 46) and not gate(30, wins - 1, 21 - wins, 46)
    assert tail(3, 2, 0.5) == pytest.approx(0.5) and tail(4, 0, 0.3) == pytest.approx(1.0) and tail(2, 3, 0.5) == 0
