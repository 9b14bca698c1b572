"""Verification: rows/s of all rule layers over bfcl-eval's decode-and-check, on the same cases, and memory over a million rows.

    python -m benchmarks.verify --bfcl PYTHON [--repeats 5] [--answers 2 8] [--memory ROWS]

PYTHON is an interpreter with bfcl-eval in an environment of its own (it pins another numpy):

    python -m venv bfcl && bfcl/bin/pip install --no-deps bfcl-eval==2026.3.23 && bfcl/bin/pip install filelock tenacity

Cases: the Python items of BFCL v4 that ship with it, each with a right and a damaged answer as Python text; then, in the shape
of a round, with eight answers one after another, half right in other ways of writing and half damaged, all different. Both
sides parse and judge the same texts in turn, each in one thread; what counts is processor time, with our caches emptied before
each turn. Ours is measured twice: with what is admissible (profile bfcl-like, the same question as theirs), and without, where
every rule layer works. The target is a ratio of 1, with two answers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from selfimprove.tools import mentions, validation
from selfimprove.verify import case, coverage
from selfimprove.verify.row import verify_row
from selfimprove.verify.stream import verify_file

SIDE = Path(__file__).with_name("bfcl_side.py")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bfcl", type=Path, help="a Python that has bfcl-eval")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--answers", type=int, nargs="+", default=[2, 8], help="answers to each prompt, an even number: shapes")
    parser.add_argument("--memory", type=int, default=0, help="rows streamed to measure memory (a million takes minutes)")
    given = parser.parse_args()
    if given.memory:
        print(memory(given.memory))
    if given.bfcl:
        for answers in given.answers:
            print(speed(given.bfcl, given.repeats, max(2, answers)))
    if not given.memory and not given.bfcl:
        print("verify: needs --bfcl PYTHON (an interpreter with bfcl-eval) or --memory ROWS; see the file's head")


def speed(python: Path, repeats: int, answers: int = 2) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.jsonl"
        subprocess.run([str(python), str(SIDE), "cases", str(file), str(answers)], check=True)
        cases = [json.loads(line) for line in file.open(encoding="utf-8")]
        rows = [as_row(case) for case in cases]
        blind = [{k: v for k, v in row.items() if k != "admissible"} for row in rows]
        theirs = subprocess.Popen(
            [str(python), str(SIDE), "check", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        seconds: dict[str, list[float]] = {"theirs": [], "with": [], "without": []}
        for _ in range(repeats + 1):
            taken, verdicts = ask(theirs)
            seconds["theirs"].append(taken)
            seconds["with"].append(ours(rows, verdicts))
            seconds["without"].append(ours(blind, None))
        theirs.communicate()
    # The first round loads modules on both sides; the median of the others counts.
    rate = {name: len(rows) / median(values[1:]) for name, values in seconds.items()}
    return (
        f"{answers} answers a prompt, {len(rows)} cases, {repeats} repeats: bfcl-eval {rate['theirs']:,.0f} rows/s; "
        f"ours with admissible answers "
        f"{rate['with']:,.0f} ({rate['with'] / rate['theirs']:.2f}x), all rule layers without {rate['without']:,.0f} "
        f"({rate['without'] / rate['theirs']:.2f}x; target 1)"
    )


def as_row(case: dict[str, Any]) -> dict[str, Any]:
    admissible = [
        {"name": name, "arguments": {p: {"values": v, "optional": "" in v} for p, v in arguments.items()}}
        for call in case["truth"]
        for name, arguments in call.items()
    ]
    row = {"id": case["id"], "tools": case["tools"], "query": case["query"], "candidate": case["text"]}
    return {**row, "admissible": [admissible]}


def ask(child: subprocess.Popen[str]) -> tuple[float, list[bool]]:
    assert child.stdin and child.stdout
    child.stdin.write("go\n")
    child.stdin.flush()
    taken, verdicts = json.loads(child.stdout.readline())
    return taken, verdicts


def forget() -> None:
    """Each repeat meets every row for the first time, as a user's file is read: only what two rows share is found once."""
    validation._small.clear()
    validation._large.clear()
    case._said.cache_clear()
    coverage._spoken.clear()
    mentions.mentions.cache_clear()


def ours(rows: list[dict[str, Any]], expected: list[bool] | None) -> float:
    forget()
    start = time.process_time()
    found = [verify_row(row, profile="bfcl-like")["verdict"] for row in rows]
    seconds = time.process_time() - start
    if expected is not None:
        differ = sum((f == "accepted") != e for f, e in zip(found, expected, strict=True))
        if differ > len(rows) / 1000:
            print(f"verify: {differ} of {len(rows)} verdicts differ from bfcl-eval's", file=sys.stderr)
    return seconds


def memory(count: int) -> str:
    """Peak memory after a tenth of the rows, and after all: tools and texts differ from row to row."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "rows.jsonl", Path(folder) / "verdicts.jsonl"
        peaks, start = [], time.perf_counter()
        for number in (count // 10, count):
            with source.open("w", encoding="utf-8") as file:
                for i in range(number):
                    tool = {"name": f"tool_{i % 5003}", "description": "Finds a place.", "parameters": {
                        "type": "object", "properties": {f"city_{i % 7001}": {"type": "string"}}}}  # fmt: skip
                    call = {"name": tool["name"], "arguments": {f"city_{i % 7001}": f"Town {i}"}}
                    row = {"id": i, "tools": [tool], "query": f"Find Town {i} for me", "candidate": json.dumps(call)}
                    file.write(json.dumps(row) + "\n")
            summary = verify_file(source, out, layers=("sanitise", "structure", "tool", "definition", "arguments", "grounding"))
            assert summary.verdicts["accepted"] == number
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    seconds = time.perf_counter() - start
    return f"memory: {peaks[0]:.0f} MB after {count // 10:,} rows, {peaks[1]:.0f} MB after {count:,} ({seconds:.0f} s)"


if __name__ == "__main__":
    main()
