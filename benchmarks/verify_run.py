"""What the verifier, without references, says of answers whose truth is known: those that the models of a run wrote.

    python -m benchmarks.verify_run RUN [--layers a,b]

RUN is a finished run (`runs/demo`). Its answers to the items of its own suites and to problems with gold, each once, are judged
as `selfimprove verify` judges a row without references; what is right was decided by the gold. Prints how many right and wrong
answers each verdict has, and the layers behind what is unknown. No model is loaded.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from selfimprove.errors import SelfImproveError
from selfimprove.records import Attempt, Output, Sample, Tool
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout
from selfimprove.store.round import open_round
from selfimprove.tools.canonical import key
from selfimprove.tools.data import load_data
from selfimprove.verify.layers import RULES
from selfimprove.verify.row import verify_row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify_run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--layers", help=f"instead of {','.join(RULES)}")
    given = parser.parse_args()
    if given.run is None:
        print("verify_run: give the folder of a finished run: python -m benchmarks.verify_run runs/demo")
        return
    try:
        print(report(given.run, tuple(given.layers.split(",")) if given.layers else RULES))
    except SelfImproveError as error:
        sys.exit(f"verify_run: {error}")


def report(run: Path, layers: tuple[str, ...]) -> str:
    counts: Counter[tuple[str, str]] = Counter()
    for row, right in answers(Layout.found(run.parent, run.name)):
        found = verify_row(row, layers=layers)
        label = "right" if right else "wrong"
        counts[label, found["verdict"]] += 1
        if found["verdict"] == "unknown":
            counts[label, f"unknown by {found['layer']}"] += 1
    return "\n".join(_line(counts, label) for label in ("right", "wrong"))


def _line(counts: Counter[tuple[str, str]], label: str) -> str:
    verdicts = {v: counts[label, v] for v in ("accepted", "rejected", "unknown")}
    by = ", ".join(f"{name} {n}" for (one, name), n in sorted(counts.items()) if one == label and name.startswith("unknown by"))
    return f"{label} {sum(verdicts.values()):>6}: {', '.join(f'{v} {n}' for v, n in verdicts.items())} ({by})"


def answers(layout: Layout) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every different finished answer to a problem or an item, as a row, and whether it is right."""
    seen = set()
    for row, right in (*_attempts(layout), *_outputs(layout)):
        if (known := (row["query"], row["candidate"])) not in seen:
            seen.add(known)
            yield row, right


def _attempts(layout: Layout) -> Iterator[tuple[dict[str, Any], bool]]:
    for number in layout.rounds():
        folder = layout.round(number) / "generate"
        if not (folder / "attempts.jsonl").is_file():
            continue
        problems = {s.id: s for s in jsonl.read(folder / "problems.jsonl", Sample, empty=True) if s.answer}
        for attempt in jsonl.read(folder / "attempts.jsonl", Attempt, empty=True):
            sample = problems.get(attempt.sample)
            if sample and sample.answer and attempt.finish == "stop":
                same = attempt.answer is not None and key(attempt.answer, sample.tools) == key(sample.answer, sample.tools)
                yield _row(sample.query, sample.tools, attempt.text), same


def _outputs(layout: Layout) -> Iterator[tuple[dict[str, Any], bool]]:
    data = load_data(open_round(layout, layout.rounds()[0]).config.data)
    items = {item.id: item for name in ("gate", "test", "canaries") if name in data.suites for item in data.suites[name].items}
    for file in sorted(layout.root.rglob("*.outputs.jsonl")):
        for output in jsonl.read(file, Output, empty=True):
            if output.id in items and output.finish == "stop":
                yield _row(output.query, items[output.id].tools, output.text), output.correct


def _row(query: str, tools: Iterable[Tool], text: str) -> dict[str, Any]:
    return {"id": 0, "tools": [tool.model_dump(mode="json") for tool in tools], "query": query, "candidate": text}


if __name__ == "__main__":
    main()
