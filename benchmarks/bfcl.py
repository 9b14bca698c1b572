"""Agreement of our scoring with bfcl-eval's own checker: every right answer of BFCL v4 and thousands of damaged ones.

    python -m benchmarks.bfcl FOLDER [--python BFCL_PYTHON] [--damaged 20000] [--seed 7] [--out cases.jsonl]

FOLDER is that of an installed or unpacked bfcl-eval; BFCL_PYTHON an interpreter that can import it (an environment of its own: it
pins other versions than we do). Both sides get the same calls; what they decide differently is listed, each once for its cause.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._damage import DAMAGES, other_values
from selfimprove.evaluate.score import gold
from selfimprove.records import SuiteItem, derive_seed
from selfimprove.tools.admissible import match
from selfimprove.tools.bfcl_files import convert_bfcl, find_bfcl

CHECKER = """
import json, sys, types
# The checker asks its registry of models one thing: whether a model writes "_" for ".". The registry would import thirty clients.
registry = types.ModuleType("bfcl_eval.constants.model_config")
registry.MODEL_CONFIG_MAPPING = {"any": types.SimpleNamespace(underscore_to_dot=False)}
sys.modules["bfcl_eval.constants.model_config"] = registry
from bfcl_eval.constants.enums import Language
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker
name = "any"
data, out = sys.argv[1], []
items, truth = {}, {}
for category in json.loads(sys.argv[2]):
    rows = [json.loads(l) for l in open(f"{data}/BFCL_v4_{category}.json") if l.strip()]
    answers = [json.loads(l) for l in open(f"{data}/possible_answer/BFCL_v4_{category}.json") if l.strip()]
    for row, answer in zip(rows, answers):
        items[row["id"]], truth[row["id"]] = (row, category), answer["ground_truth"]
for line in sys.stdin:
    case = json.loads(line)
    row, category = items[case["item"]]
    calls = [{c["name"]: c["arguments"]} for c in case["calls"]]
    try:
        found = ast_checker(row["function"], calls, truth[case["item"]], Language.PYTHON, category, name)
        print(json.dumps([bool(found["valid"]), found.get("error_type", "")]))
    except Exception as error:
        print(json.dumps([None, f"{type(error).__name__}: {error}"]))
"""


def main() -> None:
    options = _options()
    suite, _ = convert_bfcl(options.folder, "bfcl")
    items = [item for item in suite.items if item.truth == "call"]
    cases = [*_gold_cases(items), *_damaged_cases(items, options.damaged, options.seed)]
    began = time.monotonic()
    ours = [match(case["calls"], case["item"].admissible, case["item"].tools, "bfcl-like") for case in cases]
    seconds = time.monotonic() - began
    theirs = _ask_bfcl(options, cases)
    _report(cases, ours, theirs, seconds, options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="agreement with bfcl-eval's checker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--damaged", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write all disagreements there")
    return parser.parse_args()


def _ask_bfcl(options: argparse.Namespace, cases: list[dict[str, Any]]) -> list[tuple[bool | None, str]]:
    lines = "".join(json.dumps({"item": c["item"].id, "calls": [x.model_dump() for x in c["calls"]]}) + "\n" for c in cases)
    categories = json.dumps(sorted({c["item"].category for c in cases}))
    done = subprocess.run(
        [options.python, "-c", CHECKER, str(find_bfcl(options.folder)), categories], input=lines, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"bfcl: {options.python} cannot run bfcl-eval's checker: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def _gold_cases(items: list[SuiteItem]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield {"item": item, "damage": "gold", "calls": list(gold(item).calls)}


def _damaged_cases(items: list[SuiteItem], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Each draw depends on its own number only, so that a larger count repeats the smaller one."""
    for number in range(count):
        draw = random.Random(derive_seed("damage", seed, number))
        item = draw.choice(items)
        assert item.admissible
        calls = [other_values(call, wanted, draw) for call, wanted in zip(gold(item).calls, item.admissible[0], strict=True)]
        damage = draw.choice(list(DAMAGES))
        for _ in range(draw.choice((1, 1, 2))):
            calls = DAMAGES[damage](calls, item, draw)
        yield {"item": item, "damage": damage, "calls": calls}


def _report(
    cases: list[dict[str, Any]], ours: list[Any], theirs: list[tuple[bool | None, str]], seconds: float, out: Path | None
) -> None:
    agreed: Counter[tuple[str, bool]] = Counter()
    apart: dict[str, list[dict[str, Any]]] = {}
    for case, mine, (valid, why) in zip(cases, ours, theirs, strict=True):
        same = valid is not None and valid == (mine is None)
        agreed[case["damage"], same] += 1
        if not same:
            cause = f"{case['damage']}: we say {mine.code if mine else 'right'}, BFCL says {why or 'right'}"[:160]
            row = {
                "cause": cause, "item": case["item"].id, "calls": [c.model_dump() for c in case["calls"]],
                "admissible": [w.model_dump() for w in case["item"].admissible[0]],
            }  # fmt: skip
            apart.setdefault(cause, []).append(row)
    for damage in ("gold", *DAMAGES):
        yes, no = agreed[damage, True], agreed[damage, False]
        print(f"{damage:<18} {yes:>6} of {yes + no} decided the same")
    right = sum(valid is True for valid, _ in theirs)
    for cause, rows in sorted(apart.items(), key=lambda item: -len(item[1])):
        print(f"{len(rows):>5}  {cause}; e.g. {rows[0]['item']}")
    if out:
        out.write_text("".join(json.dumps(row) + "\n" for rows in apart.values() for row in rows), encoding="utf-8")
    total = sum(n for (_, same), n in agreed.items() if same)
    print(
        f"bfcl: {total} of {len(cases)} answers decided as bfcl-eval's checker does ({right} of them right by it); "
        f"{len(cases) / max(seconds, 1e-9):.0f} answers/s of ours"
    )


if __name__ == "__main__":
    main()
