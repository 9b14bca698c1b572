"""How often the gate promotes a model that is no better, and which gains it sees: by simulation, with operating curves drawn.

    python -m benchmarks.gate [--draws 2000] [--seed 7] [--out docs/gate.svg]

Two models answer the same items; what is drawn is how many both, only one, and neither answers right. With no difference the gate
must promote in at most 5 % of cases, whatever the models' accuracy and however often they disagree. The curves show, for 200,
400 and 800 items, how often a true gain is adopted when the models disagree on a tenth of the items besides; and the gain that a
decision names as detectable must be adopted in about 80 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import cache
from math import exp, lgamma, log
from pathlib import Path

import numpy as np
from markupsafe import Markup

from selfimprove.evaluate.gate import detectable_gain, gain_interval
from selfimprove.observe.svg import label, line, svg

CONFIDENCE = 0.95
SIZES = (40, 64, 96, 200, 400, 800)
ACCURACIES, DISAGREEMENTS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95), (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
CURVES, OTHERWISE = (200, 400, 800), 0.1
GAINS = tuple(round(0.005 * i, 3) for i in range(33))


def main() -> None:
    parser = argparse.ArgumentParser(description="false promotions and operating curves of the gate")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the operating curves there, as SVG")
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    false = {
        (n, accuracy, d): promoted(chance, n, accuracy, d, 0.0, options.draws)
        for n in SIZES for accuracy in ACCURACIES for d in DISAGREEMENTS if possible(accuracy, d, 0.0)
    }  # fmt: skip
    for n in SIZES:
        worst = max((share, key) for key, share in false.items() if key[0] == n)
        where = f"accuracy {worst[1][1]}, disagreement {worst[1][2]}"
        print(f"{n:>4} items, no difference: promoted in at most {worst[0]:.2%} ({where})")
    curves = {n: [promoted(chance, n, 0.4, max(OTHERWISE, g), g, options.draws) for g in GAINS] for n in CURVES}
    for n, curve in curves.items():
        seen = next((g for g, share in zip(GAINS, curve, strict=True) if share >= 0.8), None)
        told = detectable_gain(round(n * OTHERWISE / 2), round(n * OTHERWISE / 2), n, CONFIDENCE)
        real = promoted(chance, n, 0.4, max(OTHERWISE, told), told, options.draws)
        print(f"{n:>4} items: 80 % power from a gain of {seen:.1%}; named as detectable: {told:.1%}, adopted in {real:.0%}")
    if options.out:
        options.out.write_text(page(curves), encoding="utf-8")
    print(
        f"gate: with no difference at most {max(false.values()):.2%} promoted, over {len(false)} settings of {options.draws:,} "
        "draws (target: at most 5 %)"
    )


def possible(accuracy: float, disagreement: float, gain: float) -> bool:
    both, neither = accuracy - (disagreement - gain) / 2, 1 - accuracy - (disagreement + gain) / 2
    return both >= 0 and neither >= 0 and disagreement >= gain


def promoted(chance: np.random.Generator, n: int, accuracy: float, disagreement: float, gain: float, draws: int) -> float:
    """Share of cases in which the lower end lies above 0; `accuracy` is the champion's.

    Drawn: how many items the models disagree on and how many both have right. Given these, who wins the disagreements is a
    binomial whose tail is summed exactly, so that a few thousand draws tell 5.0 % from 5.1 %.
    """
    neither = 1 - accuracy - (disagreement + gain) / 2
    both = accuracy - (disagreement - gain) / 2
    apart = chance.binomial(n, disagreement, size=draws)
    right = chance.binomial(n - apart, min(1.0, max(0.0, both / (both + neither))) if both + neither else 0.0)
    pairs, counts = np.unique(np.stack([apart, right]), axis=1, return_counts=True)
    tails = (tail(d, fewest_wins(n, d, b), (1 + gain / disagreement) / 2) for d, b in pairs.T.tolist())
    return float(sum(c * t for c, t in zip(counts.tolist(), tails, strict=True))) / draws


def fewest_wins(n: int, apart: int, both: int) -> int:
    """The fewest wins that promote; one more than there are disagreements when none do."""
    low, high = apart // 2, apart + 1
    while high - low > 1:
        wins = (low + high) // 2
        low, high = (low, wins) if gate(both, wins, apart - wins, n - apart - both) else (wins, high)
    return high


@cache
def tail(n: int, least: int, p: float) -> float:
    """P(wins >= least) of n with probability p."""
    if p >= 1:
        return float(least <= n)
    logs = (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log(1 - p) for k in range(least, n + 1))
    return sum(map(exp, logs))


def gate(both: int, wins: int, losses: int, neither: int) -> bool:
    return gain_interval(both, wins, losses, neither, CONFIDENCE)[0] > 0


def page(curves: dict[int, list[float]]) -> str:
    """One SVG of its own, readable without a style sheet."""
    width, height, left, bottom, top = 640, 360, 52, 48, 16

    def x(gain: float) -> float:
        return left + gain / GAINS[-1] * (width - left - 90)

    def y(share: float) -> float:
        return top + (1 - share) * (height - top - bottom)

    parts = []
    for s in (0, 0.25, 0.5, 0.8, 1):
        parts += [line(left, y(s), width - 90, y(s), "grid"), label(left - 8, y(s) + 4, f"{s:.0%}", "", "end")]
    parts += [label(x(g), height - bottom + 20, f"{g * 100:.0f}") for g in (0, 0.04, 0.08, 0.12, 0.16)]
    parts.append(label((left + width - 90) / 2, height - 8, "true gain in points; the models disagree on 10 % of items besides"))
    for number, (n, curve) in enumerate(curves.items()):
        path = " ".join(f"{'L' if i else 'M'}{x(g):.1f} {y(s):.1f}" for i, (g, s) in enumerate(zip(GAINS, curve, strict=True)))
        parts.append(f'<path d="{path}" class="c{number}"/>')
        at = next((i for i, s in enumerate(curve) if s >= 0.6), len(curve) - 1)
        parts.append(label(x(GAINS[at]) + 8, y(curve[at]) + 4, f"{n} items", "", "start"))
    return _styled(parts, width, height)


def _styled(parts: Iterable[str], width: int, height: int) -> str:
    style = (
        "<style>text{font:12px sans-serif;fill:#444}.grid{stroke:#ddd}path{fill:none;stroke-width:2}"
        ".c0{stroke:#c2631a}.c1{stroke:#2563b8}.c2{stroke:#17794a}</style>"
    )
    paper = f'<rect width="{width}" height="{height}" fill="#fff"/>'
    text = svg([style, paper, *parts], width, height, "how often the gate adopts a true gain")
    return str(text).replace("<svg ", Markup('<svg xmlns="http://www.w3.org/2000/svg" '), 1) + "\n"


if __name__ == "__main__":
    main()
