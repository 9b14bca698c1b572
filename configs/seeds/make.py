"""Make the seed files beside this script from the tools and the phrase banks, the same bytes every time.

    python configs/seeds/make.py            write tools.jsonl, bootstrap.jsonl, ... queries.jsonl
    python configs/seeds/make.py --check    exit 1, naming the file, if a committed file differs

Every gold call is validated against its schema and executed in the sandbox before anything is written.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).resolve().parent
sys.path[:0] = [str(SEEDS), str(SEEDS.parents[1])]

from bank import read_frames, read_part  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402
from problems import Maker, definition  # noqa: E402
from queries import make_queries  # noqa: E402

from selfimprove.sandbox import run_calls  # noqa: E402
from selfimprove.tools.derive import derive_tool  # noqa: E402

TRAIN_FILES = {"bootstrap": 150, "curriculum": 350, "oracle": 100}
HELD_OUT_FILES = {"gate": 200, "test": 200}
QUERIES_FROM_TRAIN = 400

Row = dict[str, Any]


def collect_tools() -> list[Row]:
    """A row for each function named in a module's TOOLS, in file order."""
    rows = []
    for path in sorted((SEEDS / "tools").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"seed_tools_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        about = {"domain": module.DOMAIN, "part": module.PART, "module": f"tools/{path.name}"}
        rows += [{**derive_tool(function), **about} for function in module.TOOLS]
    return rows


def read_canaries(tools: list[Row], taken: set[str]) -> list[Row]:
    """Canaries are written by hand: names of tools become their definitions."""
    shown = {tool["name"]: definition(tool) for tool in tools}
    rows = []
    for number, line in enumerate((SEEDS / "phrases" / "canaries.jsonl").read_text("utf-8").splitlines(), 1):
        written = json.loads(line)
        answer = {
            "calls": [{"name": name, "arguments": arguments} for name, arguments in written.get("calls", [])],
            "abstain": written["kind"] if written["kind"] in ("no_tool", "missing") else None,
            "missing": written.get("missing", []),
        }
        offered = [shown[name] for name in written["tools"]]
        taken.add(written["query"].lower())
        row = {"id": f"canaries-{number:04d}", "kind": written["kind"], "query": written["query"]}
        rows.append({**row, "tools": offered, "answer": answer})
    return rows


def make_files() -> dict[str, list[Row]]:
    """File name -> rows."""
    tools = collect_tools()
    frames = read_frames(SEEDS / "phrases" / "frames.txt")
    taken: set[str] = set()
    files: dict[str, list[Row]] = {"tools.jsonl": tools, "canaries.jsonl": read_canaries(tools, taken)}
    banks = {part: read_part(SEEDS / "phrases" / part) for part in ("train", "held_out")}
    for part, sizes in (("train", TRAIN_FILES), ("held_out", HELD_OUT_FILES)):
        of_part = [tool for tool in tools if tool["part"] == part]
        check_banks(of_part, banks[part])
        maker = Maker(of_part, banks[part], frames[part], taken)
        files |= {f"{name}.jsonl": maker.make(name, total) for name, total in sizes.items()}
    files["queries.jsonl"] = make_queries(SEEDS / "phrases" / "queries.txt", banks["train"], QUERIES_FROM_TRAIN, taken)
    return files


def check_banks(tools: list[Row], bank: dict[str, Any]) -> None:
    """Every tool has a bank, and every template states exactly the arguments that it should."""
    if unknown := {tool["name"] for tool in tools} ^ set(bank):
        raise SystemExit(f"tools and phrase banks differ: {sorted(unknown)}")
    for tool in tools:
        parameters = tool["parameters"]
        for template in bank[tool["name"]].templates:
            given = {name for name, _ in template.slots} | set(template.fixed)
            lacking = set(parameters["required"]) - given
            if lacking != ({template.missing} - {None}) or given - set(parameters["properties"]):
                raise SystemExit(f"{tool['name']}: {template.text!r} gives {sorted(given)}, lacking {sorted(lacking)}")


def check_gold(files: dict[str, list[Row]]) -> None:
    """Validate and execute every gold call; SystemExit with the first that fails."""
    problems = [row for name, rows in files.items() if name not in ("tools.jsonl", "queries.jsonl") for row in rows]
    gold = [(row, call) for row in problems for call in row["answer"]["calls"]]
    for row, call in gold:
        schema = next(tool["parameters"] for tool in row["tools"] if tool["name"] == call["name"])
        for error in Draft202012Validator(schema).iter_errors(call["arguments"]):
            raise SystemExit(f"{row['id']}: {call['name']}: {error.message}")
    modules = sorted((SEEDS / "tools").glob("*.py"))
    for (row, call), result in zip(gold, run_calls(modules, [call for _, call in gold]), strict=True):
        if not result.ok:
            raise SystemExit(f"{row['id']}: {call} fails: {result.error}")


def as_text(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check = parser.parse_args().check
    files = make_files()
    check_gold(files)
    for name, rows in files.items():
        path = SEEDS / name
        if not check:
            path.write_text(as_text(rows), encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != as_text(rows):
            print(
                f"{path.relative_to(SEEDS.parents[1])} is not what make.py makes: run it without --check",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
