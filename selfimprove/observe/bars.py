"""The funnel of a round and the seconds of the stages, as inline SVG bars.

    funnel_plot(funnel)                  # made, parsed, accepted, trained
    stage_plot(summary)                  # seconds spent, and a tick where they were planned

The markup is safe to put into a page. Curves are in `plots`.
"""

from __future__ import annotations

from markupsafe import Markup

from selfimprove.observe.figures import Funnel, RunSummary
from selfimprove.observe.summary import place
from selfimprove.observe.svg import bar, label, line, svg
from selfimprove.observe.words import count


def funnel_plot(funnel: Funnel) -> Markup | None:
    """Made, parsed, accepted in problems; trained in rows, fresh and replayed apart. One scale for all bars."""
    trained = funnel.trained if funnel.trained is not None else funnel.selected
    bars = [("made", funnel.made), ("parsed", funnel.parsed), ("accepted", funnel.accepted), ("trained", trained)]
    longest = max((value or 0 for _, value in bars), default=0)
    if not longest:
        return None
    left, width, parts = 72, 460, []
    scale = (width - left - 90) / longest
    for i, (name, value) in enumerate(bars):
        y = 6 + i * 32
        parts.append(label(left - 10, y + 15, name, "label", "end"))
        if value is None:
            parts.append(label(left, y + 15, "not yet", "faint", "start"))
            continue
        old = min(funnel.replay or 0, value) if name == "trained" else 0
        series = "one" if name == "trained" else "soft"
        parts.append(bar(left, y, (value - old) * scale, series, f"{name}: {value - old}"))
        if old:
            parts.append(bar(left + (value - old) * scale + 2, y, old * scale, "two", f"replay: {old}"))
        words = f"{count(value)} ({value - old} fresh, {old} replay)" if old else count(value)
        # Long words beside a long bar would leave the picture: they go below it.
        below = bool(old) and left + value * scale + 10 > width - 140
        x = left if below else left + value * scale + 10
        parts.append(label(x, y + (35 if below else 15), words, "label", "start"))
    return svg(parts, width, 6 + 32 * len(bars) + 18, f"funnel of round {funnel.round}")


def stage_plot(summary: RunSummary) -> Markup | None:
    """One bar a stage that was begun, on one scale; the tick marks the planned seconds."""
    times = [time for time in summary.stages if time.spent is not None]
    longest = max((max(time.spent or 0, time.planned or 0) for time in times), default=0)
    if not longest:
        return None
    left, width, row, parts = 190, 920, 22, []
    scale = (width - left - 150) / longest
    y, last = 0.0, ""
    for time in times:
        name = place(time.group, time.round)
        y += 6 if last and last != name else 0
        parts.append(label(0, y + 15, "" if name == last else name, "label", "start"))
        parts.append(label(left - 10, y + 15, time.stage, "faint", "end"))
        spent, planned = time.spent or 0.0, time.planned
        over = planned is not None and spent > 1.25 * planned
        tip = f"{name} {time.stage}: spent {spent:.0f} s"
        parts.append(bar(left, y + 4, spent * scale, "two" if over else "soft", tip, 14))
        if planned is not None:
            parts.append(line(left + planned * scale, y + 1, left + planned * scale, y + 21, "tick"))
        words = f"{count(spent)} s" + (f" of {count(planned)} planned" if planned is not None else "")
        words += "" if time.finished else ", unfinished"
        parts.append(label(left + max(spent, planned or 0) * scale + 8, y + 15, words, "faint", "start"))
        y, last = y + row, name
    return svg(parts, width, y + 4, "seconds spent and planned")
