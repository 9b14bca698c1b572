"""Scores in the terminal: what `selfimprove evaluate`, `compare` and `suites` print. All figures come from records.

What this is not: the computation (`selfimprove.evaluate`), nor the table of a run (`table`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfimprove.errors import StoreError
from selfimprove.observe.table import clean, terminal
from selfimprove.observe.words import comparison_sentence, percent, points
from selfimprove.records import CategoryComparison, Comparison, Overlap, Rate, Results
from selfimprove.store.layout import read_json
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
    for line in _lines(results, _seconds(out / "latency.json")):
        console.print(Text(f" {line}"), soft_wrap=True)
    console.print(Text(f" Outputs: {out / 'outputs.jsonl'}   results: {out / 'results.json'}"), soft_wrap=True)


def _seconds(file: Path) -> Mapping[str, float | None]:
    """A damaged file costs its line, not the table."""
    try:
        found = read_json(file)
    except StoreError:
        found = None
    return found if isinstance(found, dict) else {}


def _lines(results: Results, seconds: Mapping[str, float | None]) -> list[str]:
    """Calls, abstentions and plain answers each by themselves: a model that only writes prose scores on abstentions."""
    named: list[tuple[str, Rate | None]] = [
        ("call accuracy", results.call), ("abstention accuracy", results.abstention), ("plain answers", results.general),
        ("abstention precision", results.abstain_precision), ("abstention recall", results.abstain_recall),
        ("tool lists that can be used", results.made_valid), ("... with which the calls can be written", results.made_writable),
    ]  # fmt: skip
    found = [f"{name}: {percent(rate)} %, {rate.correct} of {rate.n}" for name, rate in named if rate and rate.n]
    if results.call.n:
        found += [_overlap("tool F1", results.tools), _overlap("argument F1", results.arguments)]
    if results.reasons:
        found.append("why wrong: " + ", ".join(f"{clean(reason)} {n}" for reason, n in results.reasons.items()))
    found.append(f"tokens an answer: {results.mean_tokens:.1f}, a prompt: {results.mean_prompt_tokens:.1f}")
    if (half := seconds.get("median")) is not None and (most := seconds.get("p95")) is not None:
        found.append(f"seconds an answer, its wait in the queue included: half within {half:.1f}, 95 % within {most:.1f}")
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
    overall: Comparison, categories: Sequence[CategoryComparison], groups: Sequence[CategoryComparison],
    differences: Sequence[str], console: Console | None = None,
) -> None:  # fmt: skip
    console = console or terminal()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(" category", overflow="fold")
    for name in ("items", "A, % right", "B, % right", "points, A minus B", "only A", "only B"):
        table.add_column(name, justify="right")
    for number, row in enumerate([*categories, *groups]):
        if number == len(categories):
            table.add_section()
        gain = f"{points(row.gain)} ({points(row.low)} to {points(row.high)})"
        table.add_row(
            f" {clean(row.category)}", str(row.n), percent(row.a), percent(row.b), gain, str(len(row.won)), str(len(row.lost))
        )
    a, b = (clean(overall.a), clean(overall.b)) if overall.a != overall.b else ("A", "B")
    console.print(Text(f" A = {clean(overall.a)}, B = {clean(overall.b)}, suite {clean(overall.suite)}", style="bold"))
    console.print(table)
    if overall.n:
        sentence = comparison_sentence(overall.model_copy(update={"a": "A", "b": "B"}), None)
        console.print(Text(f" {clean(sentence)}"), soft_wrap=True)
    won, lost = [(r.category, r.won) for r in categories], [(r.category, r.lost) for r in categories]
    for who, flipped in ((a, won), (b, lost)):
        if ids := [f"{name} ({category})" for category, names in flipped for name in names]:
            more = f" and {len(ids) - SHOWN} more (--json names all)" if len(ids) > SHOWN else ""
            console.print(Text(f" Only {who} has right: {', '.join(map(clean, ids[:SHOWN]))}{more}"), soft_wrap=True)
    if differences:
        console.print(Text(f" Doubt it: the measurements differ in {', '.join(differences)}"), soft_wrap=True)
