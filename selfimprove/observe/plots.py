"""Accuracy over rounds and training loss, as inline SVG: no plotting library, no font, no script.

    accuracy_plot(summary, "call")       # dots with 95 % whiskers: gate and test
    loss_plot(summary)                   # one panel a round, one scale

The markup is safe to put into a page. Bars (funnel, seconds) are in `bars`.
"""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from selfimprove.observe.figures import ModelFigures, RunSummary, Step
from selfimprove.observe.summary import place
from selfimprove.observe.svg import label, line, round_up, svg
from selfimprove.observe.words import percent
from selfimprove.records import Rate

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 42, 14, 14, 46
"""Margins of a plot, in its own units."""


def accuracy_plot(summary: RunSummary, what: str) -> Markup | None:
    """`what` is "call" or "abstention". None when nothing was measured."""
    models = [m for m in summary.models if getattr(m.gate, what) or getattr(m.test, what)]
    if not models:
        return None
    step = (WIDTH - LEFT - RIGHT) / len(models)
    adopted = {decision.round: decision.promoted for decision in summary.decisions}
    parts = list(_percent_grid())
    dots: list[tuple[float, float]] = []
    for i, model in enumerate(models):
        x = LEFT + (i + 0.5) * step
        parts.append(label(x, HEIGHT - BOTTOM + 18, _short(model), "label"))
        if model.round in adopted:
            parts.append(label(x, HEIGHT - BOTTOM + 34, "adopted" if adopted[model.round] else "kept", "faint"))
        gate, test = getattr(model.gate, what), getattr(model.test, what)
        if gate:
            dots.append((x - 6, _percent_y(gate.accuracy)))
            parts += _whisker(x - 6, gate, f"{model.name}, gate", "one", round_mark=True)
        if test:
            parts += _whisker(x + 8, test, f"{model.name}, test", "two", round_mark=False)
    path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(dots))
    parts.insert(0, f'<path d="{path}" class="line one"/>' if dots else "")
    return svg(parts, WIDTH, HEIGHT, f"{what} accuracy over rounds")


def _short(model: ModelFigures) -> str:
    return f"round {model.round}" if model.round else model.name[:14]


def _percent_y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _percent_grid() -> Iterator[str]:
    for value in (0, 25, 50, 75, 100):
        y = _percent_y(value / 100)
        yield line(LEFT, y, WIDTH - RIGHT, y, "grid")
        yield label(LEFT - 8, y + 4, f"{value} %", "faint", "end")


def _whisker(x: float, score: Rate, name: str, series: str, *, round_mark: bool) -> list[str]:
    y, low, high = (_percent_y(value) for value in (score.accuracy, score.low, score.high))
    tip = escape(f"{name}: {percent(score)} %, {score.correct} of {score.n}")
    mark = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="dot {series}"/>'
        if round_mark
        else f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" class="dot {series}"/>'
    )
    caps = [line(x - 4, end, x + 4, end, f"whisker {series}") for end in (low, high)]
    return [f"<g><title>{tip}</title>", line(x, low, x, high, f"whisker {series}"), *caps, mark, "</g>"]


def loss_plot(summary: RunSummary) -> Markup | None:
    """All rounds side by side on one scale from 0; None before the first step."""
    if not summary.steps:
        return None
    width, height = 2 * WIDTH, 220
    rounds = sorted({step.round for step in summary.steps})
    top = round_up(max(step.loss for step in summary.steps))
    share = (width - LEFT - RIGHT) / len(rounds)
    parts = []
    for i in range(5):
        y = TOP + i * (height - TOP - 40) / 4
        parts += [
            line(LEFT, y, width - RIGHT, y, "grid"),
            label(LEFT - 8, y + 4, f"{top * (1 - i / 4):.2g}", "faint", "end"),
        ]
    for i, round_ in enumerate(rounds):
        steps = [step for step in summary.steps if step.round == round_]
        parts += _loss_panel(steps, LEFT + i * share + 12, share - 24, top, height)
    return svg(parts, width, height, "training loss over steps")


def _loss_panel(steps: list[Step], left: float, width: float, top: float, height: float) -> list[str]:
    bottom = height - 40
    last = max(step.step for step in steps)
    points = [
        (left + width * (s.step / last if last else 0), bottom - (bottom - TOP) * min(max(s.loss, 0) / top, 1))
        for s in steps
    ]
    path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
    first, final = steps[0], steps[-1]
    name = place("round" if first.round else "bootstrap", first.round)
    tip = f"{name}: {len(steps)} steps, first {first.loss:.3f}, last {final.loss:.3f}"
    x, y = points[-1]
    return [
        f'<g><title>{escape(tip)}</title><path d="{path}" class="line one"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="dot one"/></g>',
        label(x, y - 9, f"{final.loss:.2f}", "label", "end"),
        label(left + width / 2, bottom + 18, name, "label"),
        label(left + width / 2, bottom + 33, f"{last} steps", "faint"),
    ]  # fmt: skip
