"""Scores in the terminal: what `selfimprove evaluate`, `compare` and `suites` print. All figures come from records.

What this is not: the computation (`selfimprove.evaluate`), nor the table of a run (`table`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfimprove.observe.table import clean, terminal
from selfimprove.observe.words import percent, points
from selfimprove.records import CategoryComparison, Comparison, Overlap, Rate, Results
from selfimprove.tools.registry import Card

SHOWN = 8
"""Flipped items that are named; `--json` has them all."""


def suite_line(card: Card) -> str:
    """One line a suite: name, items, categories, and what its source has that is not in it."""
    parts = ", ".join(f"{clean(name)} {n}" for name, n in card.categories.items())
    text = f"{card.name}: {sum(card.categories.values())} items ({parts}); compared {card.profile}"
    text += f"; {clean(card.version)}" if card.version else ""
    for why in dict.fromkeys(card.left_out.values()):
        names = ", ".join(name for name, reason in card.left_out.items() if reason == why)
        text += f"\n  not supported: {names}: {why}"
    return text


def print_results(results: Results, out: Path, console: Console | None = None) -> None:
    console = console or terminal()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    for name, justify in ((" category", "left"), ("right", "right"), ("of", "right"), ("% (95 % interval)", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    for name, rate in results.categories.items():
        table.add_row(f" {clean(name)}", str(rate.correct), str(rate.n), percent(rate))
    console.print(Text(f" {clean(results.model)} on {clean(results.suite)}, {results.n} items", style="bold"))
    console.print(table)
    for line in _lines(results):
        console.print(Text(f" {line}"), soft_wrap=True)
    console.print(Text(f" Outputs: {out / 'outputs.jsonl'}   results: {out / 'results.json'}"), soft_wrap=True)


def _lines(results: Results) -> list[str]:
    """Calls, abstentions and plain answers each by themselves: a model that only writes prose scores on abstentions."""
    named: list[tuple[str, Rate | None]] = [
        ("call accuracy", results.call), ("abstention accuracy", results.abstention), ("plain answers", results.general),
        ("abstention precision", results.abstain_precision), ("abstention recall", results.abstain_recall),
        ("tool lists that can be used", results.made_valid), ("... with which the calls can be written", results.made_writable),
    ]  # fmt: skip
    found = [f"{name}: {percent(rate)} % of {rate.n}" for name, rate in named if rate and rate.n]
    if results.call.n:
        found += [_overlap("tool F1", results.tools), _overlap("argument F1", results.arguments)]
    found.append(f"tokens an answer: {results.mean_tokens:.1f}, a prompt: {results.mean_prompt_tokens:.1f}")
    if results.truncated:
        found.append(f"cut off at {results.versions['max_tokens']} tokens: {results.truncated}")
    if results.too_long:
        found.append(f"prompts that did not fit into {results.versions['max_model_len']} tokens: {results.too_long}")
    if not results.smoke:
        found.append("the smoke item was not solved: the format may be wrong for this model")
    return found


def _overlap(name: str, found: Overlap) -> str:
    return f"{name}: {found.f1 * 100:.1f} (precision {found.precision * 100:.1f}, recall {found.recall * 100:.1f})"


def print_comparison(
    overall: Comparison, categories: Sequence[CategoryComparison], differences: Sequence[str], console: Console | None = None
) -> None:
    console = console or terminal()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(" category", overflow="fold")
    for name in ("items", "A", "B", "A minus B, points (95 %)", "only A", "only B"):
        table.add_column(name, justify="right")
    for row in categories:
        gain = f"{points(row.gain)} ({points(row.low)} to {points(row.high)})"
        table.add_row(
            f" {clean(row.category)}", str(row.n), percent(row.a), percent(row.b), gain, str(len(row.won)), str(len(row.lost))
        )
    console.print(Text(f" A = {clean(overall.a)}, B = {clean(overall.b)}, suite {clean(overall.suite)}", style="bold"))
    console.print(table)
    if overall.n:
        console.print(Text(f" {_overall(overall)}"), soft_wrap=True)
    for what, ids in (("A", [i for c in categories for i in c.won]), ("B", [i for c in categories for i in c.lost])):
        if ids:
            more = f" and {len(ids) - SHOWN} more (--json names all)" if len(ids) > SHOWN else ""
            console.print(Text(f" Only {what} has right: {', '.join(map(clean, ids[:SHOWN]))}{more}"), soft_wrap=True)
    if differences:
        console.print(Text(f" Doubt it: the measurements differ in {', '.join(differences)}"), soft_wrap=True)


def _overall(found: Comparison) -> str:
    interval = f"95 % interval {points(found.low)} to {points(found.high)}"
    return (
        f"All {found.n} call items: A minus B {points(found.gain)} points of call accuracy ({interval}), {found.wins} only A has "
        f"right, {found.losses} only B"
    )
