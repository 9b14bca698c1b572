"""The table at the end of a run, in the terminal: figures, decisions, comparisons, seconds, and what each figure means.

    print_table(summarize(layout))

At most 100 columns wide; plain text when piped. All figures come from the summary.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from selfimprove.observe.definitions import DEFINITIONS
from selfimprove.observe.figures import ModelFigures, RunSummary, StageTime
from selfimprove.observe.mlflow import open_command
from selfimprove.observe.summary import STAGES, place, summarize
from selfimprove.observe.words import (
    NOTHING,
    comparison_sentence,
    count,
    lucky_sentence,
    percent,
    return_sentence,
    share,
    verdict,
)
from selfimprove.store.layout import Layout

WIDTH = 100
COLUMNS = ("gate call", "gate abstain", "test call", "test abstain", "made", "accepted", "trained")
DEFINED = (*COLUMNS, "decision")


def print_table(summary: RunSummary, console: Console | None = None) -> None:
    """Prints to standard output unless given another console."""
    console = console or terminal()
    console.print()
    console.print(_title(summary))
    console.print()
    console.print(_models(summary))
    console.print()
    for sentence in _sentences(summary):
        console.print(Padding(Text(sentence), (0, 0, 0, 1)))
    console.print()
    console.print(_times(summary))
    console.print()
    _print_definitions(summary, console)


def print_summary(layout: Layout, console: Console | None = None) -> None:
    """The table of a run as it is on disk, where its report lies, and how to open it in MLflow."""
    console = console or terminal()
    print_table(summarize(layout), console)
    console.print()
    if layout.report.is_file():
        console.print(Text(f" Report: {layout.report}"), soft_wrap=True)
    if (layout.root / "mlflow.json").is_file():
        console.print(Text(f" MLflow: {open_command(layout)}"), soft_wrap=True)


def terminal() -> Console:
    """A console on standard output, never wider than the table and not narrower when piped."""
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def _title(summary: RunSummary) -> Text:
    text = Text(f" Run {clean(summary.name)}", style="bold")
    rest = [clean(summary.model), f"seed {summary.seed}" if summary.seed is not None else "", clean(summary.created)]
    text.append("   " + " · ".join(part for part in rest if part), style="dim")
    return text


def _models(summary: RunSummary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column(" model", overflow="fold")
    for name in COLUMNS:
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column(" decision", no_wrap=True)
    decisions = {decision.round: decision for decision in summary.decisions}
    for model in summary.models:
        decision = decisions.get(model.round) if model.round is not None else None
        cells = [f" {clean(model.name)}", *_cells(model), f" {verdict(decision, model.champion)}"]
        table.add_row(*(Text(cell) for cell in cells), style="bold" if model.champion else "")
    return table


def _cells(model: ModelFigures) -> list[str]:
    scores = (model.gate.call, model.gate.abstention, model.test.call, model.test.abstention)
    return [*map(percent, scores), *map(count, (model.made, model.accepted, model.trained))]


def _sentences(summary: RunSummary) -> Iterator[str]:
    if summary.champion:
        yield f"* champion: {clean(summary.champion)}"
    for missing in summary.unfinished:
        yield f"Unfinished: {clean(missing)}."
    for decision in summary.decisions:
        where = place("round" if decision.round else "bootstrap", decision.round)
        yield f"{where.capitalize()}: {clean(decision.sentence)}"
    if plain := [f"{clean(m.name)} {percent(m.general)}" for m in summary.models if m.general]:
        yield f"Plain questions answered, in %: {', '.join(plain)}."
    for found in summary.oracle:
        yield (
            f"Verifier in round {found.round}: oracle precision {share(found.precision)} ({found.right} of "
            f"{found.accepted} accepted), recall {share(found.recall)} ({found.right} of {found.problems})."
        )
    for tested in summary.self_tests:
        attacks, wrong, right = (tested.rates.get(name) for name in ("attacks", "wrong-accepted", "right-rejected"))
        if attacks and wrong and right:
            yield (
                f"Self-test of the verifier in round {tested.round}: {attacks.correct} of {attacks.n} attacks accepted, "
                f"{wrong.correct} of {wrong.n} wrong answers accepted, {right.correct} of {right.n} right ones rejected."
            )
    if summary.lucky is not None:
        yield lucky_sentence(summary.lucky, sum(bool(d.n) for d in summary.decisions))
    for earned in summary.returns:
        yield return_sentence(earned)
    for comparison in summary.comparisons:
        yield clean(comparison_sentence(comparison, summary.champion))


def _times(summary: RunSummary) -> Table:
    """Stages down, places across: "spent / planned" in seconds."""
    places = list(dict.fromkeys((time.group, time.round) for time in summary.stages))
    order = list(dict.fromkeys((*STAGES["bootstrap"][:2], *STAGES["round"])))
    names = sorted({time.stage for time in summary.stages}, key=order.index)
    cells = {(time.group, time.round, time.stage): time for time in summary.stages}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False, show_footer=True)
    table.add_column(" seconds: spent / planned", " all", no_wrap=True)
    for key in places:
        table.add_column(
            place(*key), spent_planned([t for t in summary.stages if (t.group, t.round) == key]), justify="right"
        )
    for name in names:
        found = [cells.get((*key, name)) for key in places]
        table.add_row(f" {name}", *(spent_planned([time] if time else []) for time in found))
    return table


def spent_planned(times: list[StageTime]) -> str:
    """Such as "94 / 120"; a stage without a plan adds nothing to the planned seconds."""
    if all(time.spent is None for time in times):
        return ""
    planned = [time.planned for time in times if time.planned is not None]
    return f"{count(sum(t.spent or 0 for t in times))} / {count(sum(planned)) if planned else NOTHING}"


def _print_definitions(summary: RunSummary, console: Console) -> None:
    names = [*DEFINED, *(("oracle precision", "oracle recall") if summary.oracle else ()),
             *(("return", "device-hours") if summary.returns else ()), "planned", "spent"]
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    for name in names:
        grid.add_row(f" {name}", DEFINITIONS[name], style="dim")
    console.print(grid)


def clean(text: str) -> str:
    """Without control characters: a model's or a file's text may not steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
