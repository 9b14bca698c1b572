"""The report: one self-contained HTML file of what is on disk. It opens offline: nothing in it lies outside it.

    path = write_report(layout)          # runs/NAME/report.html

Everything a model, a tool or a file says is hostile text: the template escapes it, and the page's own security policy
allows no request and no script but its one filter, named by its digest. What this is not: a computation; every figure
comes from `summarize`, every sample from `draw_cards`.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from selfimprove.observe import words
from selfimprove.observe.bars import funnel_plot, stage_plot
from selfimprove.observe.definitions import DEFINITIONS
from selfimprove.observe.figures import RunSummary
from selfimprove.observe.plots import accuracy_plot, loss_plot
from selfimprove.observe.samples import Card, draw_cards
from selfimprove.observe.summary import place, summarize
from selfimprove.observe.table import COLUMNS, spent_planned
from selfimprove.store.jsonl import write_text
from selfimprove.store.layout import Layout

SAMPLES = 60
"""Cards in a report."""
LONGEST = 2000
"""Characters of one text that are shown; what is cut is said."""

SCRIPT = Markup(
    """
const cards = [...document.querySelectorAll("details.card")], chosen = {};
function show() {
  let seen = 0;
  for (const card of cards) {
    card.hidden = !Object.entries(chosen).every(([key, value]) => !value || card.dataset[key] === value);
    seen += card.hidden ? 0 : 1;
  }
  const told = document.getElementById("seen");
  if (told) told.textContent = seen + " of " + cards.length + " shown";
}
show();
for (const select of document.querySelectorAll("select[data-filter]"))
  select.addEventListener("change", () => { chosen[select.dataset.filter] = select.value; show(); });
document.getElementById("open")?.addEventListener("click", () => {
  const some = cards.some(card => !card.hidden && !card.open);
  for (const card of cards) if (!card.hidden) card.open = some;
});
"""
)


def write_report(layout: Layout) -> Path:
    """Writes `layout.report` atomically and returns its path. Raises StoreError for a damaged file or a full disk."""
    write_text(layout.report, render_report(summarize(layout), draw_cards(layout, SAMPLES)))
    return layout.report


def render_report(summary: RunSummary, cards: list[Card]) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        percent=words.percent, points=words.points, count=words.count, share=words.share, shown=shown
    )
    return environment.get_template("report.html.jinja").render(
        summary=summary, cards=cards, decisions={d.round: d for d in summary.decisions}, columns=COLUMNS,
        definitions=DEFINITIONS, verdict=words.verdict, place=place, script=SCRIPT, script_hash=_hash(SCRIPT),
        comparisons=[words.comparison_sentence(c, summary.champion) for c in summary.comparisons],
        accuracy={what: accuracy_plot(summary, what) for what in ("call", "abstention")}, loss=loss_plot(summary),
        lucky="" if summary.lucky is None else words.lucky_sentence(summary.lucky, sum(bool(d.n) for d in summary.decisions)),
        funnels=[(f, funnel_plot(f)) for f in summary.funnels if f.made is not None], times=stage_plot(summary),
        total=spent_planned(list(summary.stages)), kinds=_kinds(summary), most=SAMPLES,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )  # fmt: skip


def shown(text: object) -> str:
    """Text for the page: control characters made visible, and very long text cut with a word about it."""
    found = str(text)
    cut = f" … ({len(found) - LONGEST:,} more characters)" if len(found) > LONGEST else ""
    # Jinja escapes the result; a lone surrogate or a control character would still break the file.
    return "".join(c if c in "\n\t" or _harmless(c) else "\ufffd" for c in found[:LONGEST]) + cut


def _harmless(char: str) -> bool:
    return char.isprintable() or (char.isspace() and ord(char) >= 32)


def _kinds(summary: RunSummary) -> list[str]:
    """Every kind of item that some model was measured on, in the order of the first."""
    return list(dict.fromkeys(kind for model in summary.models for kind in (*model.gate.kinds, *model.test.kinds)))


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
