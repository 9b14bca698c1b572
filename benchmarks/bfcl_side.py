"""The side of `benchmarks.verify` that runs under the Python that has bfcl-eval. It imports nothing of this project.

    PYTHON benchmarks/bfcl_side.py cases FILE [N]   writes N answers to each item of the installed data, half of them damaged
    PYTHON benchmarks/bfcl_side.py check FILE       decodes and checks all of them for each line of standard input

Two answers are the right one and a damaged one. More are what a round has: right ones that are written in other ways, and as
many that are damaged in other places and ways, in turn and all different.

Not a benchmark by itself. Model handlers and the decoders of Java and JavaScript, which need dozens of packages, are left out.
"""

from __future__ import annotations

import json
import random
import sys
import time
import types
from pathlib import Path
from typing import Any

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple", "live_parallel",
              "live_parallel_multiple")  # fmt: skip


class _Anything(dict):  # type: ignore[type-arg]
    underscore_to_dot = False

    def __missing__(self, key: Any) -> Any:
        return self


def without_handlers() -> None:
    absent: dict[str, dict[str, Any]] = {
        "bfcl_eval.constants.model_config": {"MODEL_CONFIG_MAPPING": _Anything()},
        "bfcl_eval.model_handler.parser.java_parser": {"parse_java_function_call": None},
        "bfcl_eval.model_handler.parser.js_parser": {"parse_javascript_function_call": None},
        "bfcl_eval.eval_checker.ast_eval.type_convertor.java_type_converter": {"java_type_converter": None},
        "bfcl_eval.eval_checker.ast_eval.type_convertor.js_type_converter": {"js_type_converter": None},
    }
    for name, members in absent.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module


def cases(answers: int) -> list[dict[str, Any]]:
    import bfcl_eval

    data, rng = Path(bfcl_eval.__file__).parent / "data", random.Random(7)
    found = []
    for category in CATEGORIES:
        name = f"BFCL_v4_{category}.json"
        items = {r["id"]: r for r in map(json.loads, (data / name).open(encoding="utf-8"))}
        for row in map(json.loads, (data / "possible_answer" / name).open(encoding="utf-8")):
            item, truth = items[row["id"]], row["ground_truth"]
            gold = [{n: {p: first(v) for p, v in a.items() if v and v[0] != ""}} for c in truth for n, a in c.items()]
            query = "\n".join(m["content"] for turn in item["question"] for m in turn)
            base = {"category": category, "tools": item["function"], "truth": truth, "query": query}
            found.append({**base, "id": row["id"], "text": written(gold)})
            found.append({**base, "id": row["id"] + "/damaged", "text": broken(gold, rng)})
            seen = {found[-1]["text"], found[-2]["text"]}
            for number in range(1, answers // 2):
                for kind, text in (("rewritten", rewritten(gold, number, seen)), ("damaged", damaged(gold, rng, seen))):
                    seen.add(text)
                    found.append({**base, "id": f"{row['id']}/{kind}{number}", "text": text})
    return found


def first(values: Any) -> Any:
    return plain(values[0])


def plain(value: Any) -> Any:
    """A value with the first of the alternatives that its dictionaries hold."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: first(v) for k, v in value.items() if isinstance(v, list) and v and v[0] != ""}


def written(calls: list[dict[str, Any]]) -> str:
    made = [f"{n}({', '.join(f'{p}={v!r}' for p, v in a.items())})" for c in calls for n, a in c.items()]
    return f"[{', '.join(made)}]"


def broken(calls: list[dict[str, Any]], rng: random.Random) -> str:
    changed = json.loads(json.dumps(calls))
    arguments: dict[str, Any] = next(iter(rng.choice(changed).values()), {})
    if arguments:
        name = rng.choice(list(arguments))
        arguments[name] = "something else" if isinstance(arguments[name], str) else -7361
    return written(changed)


def rewritten(calls: list[dict[str, Any]], number: int, seen: set[str]) -> str:
    """The same calls with other spaces and quotes, with their arguments in the other order, or both; a new text."""
    if number % 3 != 1:
        calls = [{n: dict(reversed(list(a.items())))} for c in calls for n, a in c.items()]
    if number % 3 != 2:
        calls = [{n: {p: Quoted(v) for p, v in a.items()}} for c in calls for n, a in c.items()]
    text = written(calls)
    while text in seen:
        text = f"[ {text[1:]}"
    return text


class Quoted:
    """A value that is written with double quotes where Python would write single ones, and a space before it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        plain = isinstance(self.value, str) and self.value.isprintable() and '"' not in self.value and "\\" not in self.value
        return f' "{self.value}"' if plain else f" {self.value!r}"


WORDS = ("nothing of the kind", "Zanzibar", "the other one", "x", "2031-12-24", "not this", "blue", "")


def damaged(calls: list[dict[str, Any]], rng: random.Random, seen: set[str]) -> str:
    """Another damage: a value, its type, an argument dropped or one too many, until the text is a new one."""
    while True:
        changed = json.loads(json.dumps(calls))
        arguments: dict[str, Any] = next(iter(rng.choice(changed).values()), {})
        name, kind = rng.choice(list(arguments) or [""]), rng.randrange(6)
        if kind == 0 or not arguments:
            arguments[f"extra_{rng.randrange(1000)}"] = rng.choice(WORDS)
        elif kind == 1:
            del arguments[name]
        elif kind == 2:
            arguments[name] = rng.randrange(1000) if isinstance(arguments[name], str) else str(arguments[name])
        else:
            is_number = isinstance(arguments[name], int | float)
            arguments[name] = arguments[name] + rng.randrange(1, 5000) if is_number else rng.choice(WORDS)
        if (text := written(changed)) not in seen:
            return text


def check(rows: list[dict[str, Any]]) -> tuple[float, list[bool]]:
    from bfcl_eval.constants.enums import Language
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker
    from bfcl_eval.model_handler.utils import default_decode_ast_prompting

    verdicts, start = [], time.process_time()
    for row in rows:
        try:
            decoded = default_decode_ast_prompting(row["text"])
            verdict = ast_checker(row["tools"], decoded, row["truth"], Language.PYTHON, row["category"], "model")["valid"]
        except Exception:
            verdict = False
        verdicts.append(verdict)
    return time.process_time() - start, verdicts


def main() -> None:
    command, file = sys.argv[1], Path(sys.argv[2])
    without_handlers()
    if command == "cases":
        answers = int(sys.argv[3]) if len(sys.argv) > 3 else 2
        file.write_text("".join(json.dumps(row) + "\n" for row in cases(answers)), encoding="utf-8")
        return
    rows = [json.loads(line) for line in file.open(encoding="utf-8")]
    for _ in sys.stdin:
        seconds, verdicts = check(rows)
        print(json.dumps([seconds, verdicts]), flush=True)


if __name__ == "__main__":
    main()
