"""Parser: answers/s of parsing and canonicalising over bfcl-eval's decode-and-check, and a megabyte of hostile text.

    python -m benchmarks.parse [--bfcl PYTHON] [--repeats 5]

PYTHON is an interpreter with bfcl-eval in an environment of its own (see the head of `benchmarks/verify.py`). Cases: the Python
items of BFCL v4 that ship with it, each with a right and a damaged answer. Both sides read the same texts in turn, in one thread;
what counts is processor time. Ours makes the key by which answers are compared; theirs compares with the possible answers. The
same answers in Hermes' tags are read too. Without --bfcl only the hostile texts are timed. Targets: 2 times, and one second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from selfimprove.chat import parse, write
from selfimprove.records import Tool
from selfimprove.tools.canonical import key

SIDE = Path(__file__).with_name("bfcl_side.py")
MEGABYTE = 1_000_000
PIECES = (
    "<tool_call>", "<tool_call>{", "[TOOL_CALLS]", "[TOOL_CALLS]f{", "[", "{", "(", '"', "'", "\\", '"""', "'''", "`",
    "```", " ", "\n",
    "{ ", '{"', '{"a":', '[{"a":', '{"a":{"b":1},', '{"a":1}', '{"a":1} b', "{}", "[]", "[1]", "[1] ", "{'a':1},",
    "[f(", "[f(x=1),", "[f(x=[",
    "[f(x={'a':1},", '["f"(', "x [f(x=1", "f(", "f()\n", "f(x=1)\n", "f(x=", "f(x='\nf(x=", 'f(x="\\u12', "f(**{",
    "<think>", "</think>\n", "<function=", '{"name": "f", "arguments": {}} ', '{"name": "f", "arguments": "{',
    '{"tool_calls":[', '{"function":',
    "missing value: ", "no ", "no tool ", "None of the ", "\u200b", "\ud800", "\x00", "\U0001d4b3", "<|a|>", "0x",
    "1_", "[CALL_ID]", "<function=f>", "<function=f><parameter=x>", "<function=f></function>", "</parameter> ", "<tool_call>f",
    "<invoke name=", "<｜tool▁call▁begin｜>", "<|tool_call_begin|>f", "to=functions.", "to=a<|channel|>",
    "<|channel|>analysis<|message|>",
    "Action: f\nAction Input: ",
    ">>>f\n{}", "<start_function_call>call:f{x:[", "<start_function_call>call:f{}", "\n \t", "<|", "<｜▁",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parse", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bfcl", type=Path, help="a Python that has bfcl-eval")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    seconds, piece = max((hostile(piece), piece) for piece in PIECES)
    print(f"parse: 1 MB of hostile text in at most {seconds:.2f} s ({len(PIECES)} texts, worst {piece!r}; target 1)")
    if given.bfcl:
        print(speed(given.bfcl, given.repeats))


def hostile(piece: str) -> float:
    text = (piece * (MEGABYTE // len(piece) + 1))[:MEGABYTE]
    start = time.process_time()
    parse(text)
    return time.process_time() - start


def speed(python: Path, repeats: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.jsonl"
        subprocess.run([str(python), str(SIDE), "cases", str(file)], check=True)
        cases = [json.loads(line) for line in file.open(encoding="utf-8")]
        tools = [tuple(Tool.model_validate(tool) for tool in case["tools"]) for case in cases]
        texts = [case["text"] for case in cases]
        tagged = [write(found, "hermes") if (found := parse(text).answer) else text for text in texts]
        theirs = subprocess.Popen(
            [str(python), str(SIDE), "check", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        taken: dict[str, list[float]] = {"theirs": [], "python": [], "hermes": []}
        for _ in range(repeats + 1):
            taken["theirs"].append(ask(theirs))
            taken["python"].append(ours(texts, tools))
            taken["hermes"].append(ours(tagged, tools))
        theirs.communicate()
    # The first round loads modules and fills caches on both sides.
    rate = {name: len(cases) / median(values[1:]) for name, values in taken.items()}
    read = sum(bool((answer := parse(text).answer) and answer.calls) for text in texts)
    return (
        f"parse: {len(cases)} answers ({read} read as calls), bfcl-eval {rate['theirs']:,.0f}/s; parsed and canonicalised "
        f"{rate['python']:,.0f}/s from Python's form ({rate['python'] / rate['theirs']:.2f}x), {rate['hermes']:,.0f}/s from "
        f"Hermes' tags ({rate['hermes'] / rate['theirs']:.2f}x); target 2"
    )


def ask(child: subprocess.Popen[str]) -> float:
    assert child.stdin and child.stdout
    child.stdin.write("go\n")
    child.stdin.flush()
    return float(json.loads(child.stdout.readline())[0])


def ours(texts: list[str], tools: list[Any]) -> float:
    start = time.process_time()
    for text, offered in zip(texts, tools, strict=True):
        answer = parse(text).answer
        if answer:
            key(answer, offered)
    return time.process_time() - start


if __name__ == "__main__":
    main()
