"""The few SVG shapes that the plots are made of. Colours and fonts come from the page's CSS classes.

    svg([bar(0, 0, 120, "one", "made: 12")], 460, 40, "funnel of round 1")

Names and tips are escaped here; coordinates are numbers. Inline SVG needs no namespace, so a page holds no address.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape


def svg(parts: Sequence[str], width: float, height: float, title: str) -> Markup:
    """`parts` is markup already; `title` is what a screen reader says."""
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        f"{width:g}", f"{height:g}", title, Markup("".join(parts))
    )


def label(x: float, y: float, text: str, classes: str = "", anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{escape(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, classes: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>'


def bar(x: float, y: float, width: float, classes: str, tip: str, height: float = 22) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:g}" rx="3" class="bar {classes}">'
        f"<title>{escape(tip)}</title></rect>"
    )


def round_up(value: float) -> float:
    """The next round number at or above a positive value."""
    unit = 1e-6
    while unit * 10 < value:
        unit *= 10
    return next((unit * f for f in (1, 2, 3, 4, 5, 6, 8, 10) if unit * f >= value), value)
