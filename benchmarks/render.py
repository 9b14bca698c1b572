"""Training rows: rendering and tokenising them over row-by-row `apply_chat_template`, the same tokens from both.

    python -m benchmarks.render [--model embedded] [--rows 2000] [--repeats 3] [--own TEMPLATE.jinja]

Rows are the labelled bootstrap problems, repeated with other ids and their tools in another order. Theirs is one call of
`apply_chat_template(tokenize=True)` a row, as the documentation of transformers shows it; ours is what the trainer does, with
spans. What counts is processor time, in one thread. --own tries a template of a model's own, for which nothing can be put
together from parts: then only tokenising together is left. The tokenizer's own time for the same texts is printed as the most
that can be had: nothing that still tokenises every row is faster. The target is 3 times.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "configs" / "seeds"


def main() -> None:
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    from selfimprove.chat.families import FAMILIES
    from selfimprove.chat.language import language_of
    from selfimprove.chat.render import load_tokenizer, rows_ids, target_text
    from selfimprove.models import resolve_model

    given = _options()
    tokenizer = load_tokenizer(resolve_model(given.model, given.cache))
    if given.own:
        tokenizer.chat_template = given.own.read_text(encoding="utf-8")
        language_of(tokenizer, FAMILIES["hermes"])
    rows = _rows(given.rows)
    taken: dict[str, list[float]] = {"theirs": [], "ours": [], "tokenizer": []}
    for repeat in range(given.repeats + 1):
        language = language_of(tokenizer, language_of(tokenizer).family)  # nothing remembered from the last repeat
        targets = [target_text(language, row) for row in rows]
        first, theirs = _timed(lambda: [_plain(tokenizer, *one) for one in zip(rows, targets, strict=True)])  # noqa: B023
        second, ours = _timed(lambda: [m for i in range(0, len(rows), 256) for m in rows_ids(tokenizer, rows[i : i + 256])])
        prompts = [language.prompt(row.messages, row.tools) for row in rows]
        third, _ = _timed(lambda: (language.encode(prompts), language.encode_after(targets)))  # noqa: B023 - called at once
        if repeat:
            for name, seconds in (("theirs", first), ("ours", second), ("tokenizer", third)):
                taken[name].append(seconds)
    same = sum(made.ids == whole[: len(made.ids)] for made, whole in zip(ours, theirs, strict=True))
    rate = {name: len(rows) / median(values) for name, values in taken.items()}
    print(
        f"render: {len(rows)} rows, {same} with the same tokens; apply_chat_template {rate['theirs']:,.0f} rows/s, ours "
        f"{rate['ours']:,.0f} rows/s ({rate['ours'] / rate['theirs']:.2f}x; target 3; the "
        f"tokenizer alone {rate['tokenizer'] / rate['theirs']:.2f}x)"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.render", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--own", type=Path)
    return parser.parse_args()


def _rows(count: int) -> list[Any]:
    from selfimprove.records import Sample
    from selfimprove.store.jsonl import read
    from selfimprove.subtasks import use

    samples = list(read(SEEDS / "bootstrap.jsonl", Sample))
    draw = Random(7)
    rows = []
    for number in range(count):
        sample = samples[number % len(samples)]
        tools = tuple(draw.sample(sample.tools, len(sample.tools)))
        row = use.row(sample.model_copy(update={"tools": tools}), sample.answer, "seed")  # type: ignore[arg-type]
        rows.append(row.model_copy(update={"id": f"{row.id}/{number}"}))
    return rows


def _plain(tokenizer: Any, row: Any, target: str) -> list[int]:
    turns = [{"role": m.role, "content": m.content} for m in row.messages] + [{"role": "assistant", "content": target}]
    tools = [tool.openai() for tool in row.tools] or None
    return list(tokenizer.apply_chat_template(turns, tools=tools, tokenize=True)["input_ids"])


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


if __name__ == "__main__":
    main()
