"""How often the verifier is wrong, on labelled cases made from a folder of public tool-calling rows.

    python -m benchmarks.verify_cases DATA [--rows N] [--out CASES.jsonl] [--wrong]

DATA holds `*.jsonl` files (in it or in `train/`) of {"tools", "messages", "calls"} rows. A published answer is right, and stays
right when it is rewritten; a mutation is wrong. What was done is the label: nothing of the verifier makes or checks it. The
rows are the data's, so nothing of this is kept in the project. Rows marked `"schema_valid": false` are left out.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Calls = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify_cases", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=0, help="published rows used (0: all)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the cases with their labels here")
    parser.add_argument("--wrong", action="store_true", help="print the cases that were judged wrongly")
    given = parser.parse_args()
    if given.data is None or not given.data.is_dir():
        print("verify_cases: give a folder of {tools, messages, calls} rows: python -m benchmarks.verify_cases DATA")
        sys.exit(0 if given.data is None else 2)
    cases = list(make(given.data, given.rows, given.seed))
    if given.out:
        given.out.write_text("".join(json.dumps(c) + "\n" for c in cases), encoding="utf-8")
    report(cases, given.wrong)


def make(data: Path, rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Cases: a row for `selfimprove verify` with `label` (right or wrong), `kind` and `hidden` (no layer can see it without
    the reference)."""
    from benchmarks._verify_kinds import RIGHT, SYNTAXES, WRONG

    published = [r for r in _published(data) if r.get("schema_valid", True)]
    rng = random.Random(seed)
    if rows:
        published = rng.sample(published, min(rows, len(published)))
    for number, row in enumerate(published):
        base = {"tools": row["tools"], "messages": row["messages"], "reference_calls": row["calls"]}
        syntax = rng.choice(list(SYNTAXES))
        for kind, change in [("as published", None), *rng.sample(list(RIGHT.items()), 2)]:
            text = SYNTAXES[syntax](row["calls"]) if change is None else change(row, rng)
            if text is not None:
                name = f"{kind} ({syntax})" if change is None else kind
                yield {"id": f"{number}/{name}", **base, "candidate": text, "label": "right", "kind": name, "hidden": False}
        made: list[tuple[str, str, bool]] = []
        for kind, (break_it, hidden) in rng.sample(list(WRONG.items()), len(WRONG)):
            broken = break_it(row, rng) if len(made) < 3 else None
            if broken is not None:
                text = broken if isinstance(broken, str) else SYNTAXES[rng.choice(list(SYNTAXES))](broken)
                made.append((kind, text, hidden))
        for kind, text, hidden in made:
            yield {"id": f"{number}/{kind}", **base, "candidate": text, "label": "wrong", "kind": kind, "hidden": hidden}


def _published(data: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((data / "train").glob("*.jsonl") if (data / "train").is_dir() else data.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            yield from (r for r in map(json.loads, lines) if "tools" in r and "calls" in r)


def report(cases: list[dict[str, Any]], show: bool) -> None:
    from selfimprove.verify.row import verify_row

    with_, without = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    start = time.perf_counter()
    for case in cases:
        blind = {k: v for k, v in case.items() if k != "reference_calls"}
        for counts, row in ((with_, case), (without, blind)):
            found = verify_row(row)
            counts[case["kind"], found["verdict"]] += 1
            bad = (found["verdict"] == "accepted") != (case["label"] == "right")
            if show and bad and (row is case or (found["verdict"] != "unknown" and not case["hidden"])):
                print(case["id"], "with" if row is case else "without", case["candidate"][:300], found["reasons"])
    seconds = time.perf_counter() - start
    hidden = {c["kind"] for c in cases if c["hidden"]}
    print(f"{'kind':<34}{'cases':>7}   with references: acc  rej  unk   without: acc  rej  unk")
    for label in ("right", "wrong"):
        for kind in sorted({c["kind"] for c in cases if c["label"] == label}):
            _line(kind + (" *" if kind in hidden else ""), with_, without, kind)
    _rates(cases, with_, without, hidden)
    print(f"{len(cases)} cases, each judged twice, in {seconds:.1f} s")


def _line(shown: str, with_: Counter[tuple[str, str]], without: Counter[tuple[str, str]], kind: str) -> None:
    a, b = ([c[kind, v] for v in ("accepted", "rejected", "unknown")] for c in (with_, without))
    print(f"{shown:<34}{sum(a):>7}{a[0]:>22}{a[1]:>6}{a[2]:>5}{b[0]:>15}{b[1]:>6}{b[2]:>5}")


def _rates(cases: list[dict[str, Any]], with_: Counter, without: Counter, hidden: set[str]) -> None:
    kinds: Callable[[str], set[str]] = lambda label: {c["kind"] for c in cases if c["label"] == label}  # noqa: E731
    right, wrong = kinds("right"), kinds("wrong")
    print("* no rule can see it without the reference")
    for name, counts, looked in (("with references", with_, wrong), ("without, kinds that can be seen", without, wrong - hidden)):
        n_wrong = sum(counts[k, v] for k in looked for v in ("accepted", "rejected", "unknown"))
        n_right = sum(counts[k, v] for k in right for v in ("accepted", "rejected", "unknown"))
        accepted, rejected = sum(counts[k, "accepted"] for k in looked), sum(counts[k, "rejected"] for k in right)
        unknown = sum(counts[k, "unknown"] for k in right)
        print(
            f"{name}: false acceptances {accepted} of {n_wrong} ({accepted / max(1, n_wrong):.2%}), false rejections {rejected} "
            f"of {n_right} ({rejected / max(1, n_right):.2%}), unknown on right answers {unknown / max(1, n_right):.1%}"
        )


if __name__ == "__main__":
    main()
