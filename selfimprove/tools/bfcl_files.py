"""The data files of BFCL v4 (Berkeley Function-Calling Leaderboard) as a suite: single turn, Python.

    suite, left_out = convert_bfcl(Path(".../site-packages/bfcl_eval"), "bfcl")

Reads `BFCL_v4_*.json` and `possible_answer/` of an installed or unpacked bfcl-eval; nothing of it is kept in the project.
Types are respelled for JSON Schema as bfcl-eval does for the models it prompts (`dict` is object, `float` number, `tuple`
array, `any` string). Values are scored in the profile `bfcl-like`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from selfimprove.errors import DataError
from selfimprove.records import SuiteItem
from selfimprove.store.jsonl import read_numbered
from selfimprove.tools.suite import Suite, unusable

CATEGORIES = (
    "simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance", "live_simple", "live_multiple", "live_parallel",
    "live_parallel_multiple", "live_irrelevance", "live_relevance",
)  # fmt: skip
IRRELEVANT, RELEVANT = ("irrelevance", "live_irrelevance"), ("live_relevance",)
OTHER_LANGUAGE = "its values are source text of another language, which only bfcl-eval's own converters read"
MULTI_TURN = "it has several turns with tools that run, which is not supported"
LEFT_OUT = {
    "simple_java": OTHER_LANGUAGE, "simple_javascript": OTHER_LANGUAGE, "multi_turn_base": MULTI_TURN,
    "multi_turn_long_context": MULTI_TURN, "multi_turn_miss_func": MULTI_TURN, "multi_turn_miss_param": MULTI_TURN,
    "memory": MULTI_TURN, "web_search": MULTI_TURN, "format_sensitivity": "it repeats other categories in other prompt formats",
}  # fmt: skip
TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
PREFIX = "BFCL_v4_"


def find_bfcl(folder: Path) -> Path | None:
    """The folder that holds the data files, at or below the one given; None when there are none."""
    for candidate in (folder, folder / "data", folder / "bfcl_eval" / "data"):
        if any(candidate.glob(f"{PREFIX}*.json")):
            return candidate
    return None


def convert_bfcl(folder: Path, name: str) -> tuple[Suite, dict[str, str]]:
    """(the suite, category -> why it was left out). Raises DataError for files that are not BFCL's."""
    data = find_bfcl(folder)
    if data is None:
        raise DataError(f"{folder}: holds no {PREFIX}*.json; give the folder of an installed or unpacked bfcl-eval")
    found = sorted(file.stem.removeprefix(PREFIX) for file in data.glob(f"{PREFIX}*.json"))
    items = [item for category in CATEGORIES if category in found for item in _category(data, category)]
    if not items:
        raise DataError(f"{data}: has none of the categories that are supported ({', '.join(CATEGORIES)})")
    left_out = {c: LEFT_OUT.get(c, "it is not known here") for c in found if c not in CATEGORIES}
    return Suite(name, tuple(items), "bfcl-like", _version(data)), left_out


def _version(data: Path) -> str:
    """From the package's metadata beside it, where there is any."""
    for metadata in data.parent.parent.glob("bfcl_eval-*.dist-info"):
        return f"BFCL v4, bfcl-eval {metadata.name.removeprefix('bfcl_eval-').removesuffix('.dist-info')}"
    return "BFCL v4"


def _category(data: Path, category: str) -> list[SuiteItem]:
    file = data / f"{PREFIX}{category}.json"
    answered = category not in (*IRRELEVANT, *RELEVANT)
    rows = read_numbered(file)
    right = _answers(data / "possible_answer" / file.name, len(rows)) if answered else [None] * len(rows)
    return [_item(file, number, category, row, answer) for (number, row), answer in zip(rows, right, strict=True)]


def _answers(file: Path, wanted: int) -> list[Any]:
    """Possible answers, in the order of the items: some of the published ids differ from their items', the order does not."""
    rows = [row for _, row in read_numbered(file)]
    if len(rows) != wanted:
        raise DataError(f"{file}: has {len(rows)} answers for {wanted} items; take both from one bfcl-eval")
    return rows


def _item(file: Path, number: int, category: str, row: Any, answer: Any) -> SuiteItem:
    try:
        turns = row["question"]
        if len(turns) != 1:
            raise DataError(f"{file}, line {number}: has {len(turns)} turns; only single turns are supported")
        truth: dict[str, Any] = {"admissible": [_admissible(answer["ground_truth"])]} if answer else {}
        item = SuiteItem.model_validate({
            "id": row["id"], "category": category, "messages": turns[0], "tools": [_tool(f) for f in row["function"]],
            "abstain": "no_call" if category in IRRELEVANT else None, "any_call": category in RELEVANT, **truth,
        })  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        raise DataError(f"{file}, line {number}: is not an item of BFCL v4 ({why})") from None
    # Not the rules of a JSON Schema: the files are known, and 4,000 definitions would take a minute.
    if why := unusable(item, schemas=False):
        raise DataError(f"{file}, line {number}: {why}")
    return item


def _admissible(truth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`[{"f": {"x": [1, ""]}}]`: the values of each argument, among them "" where it may be left out."""
    return [
        {"name": name, "arguments": {n: {"values": list(v), "optional": "" in v} for n, v in arguments.items()}}
        for call in truth
        for name, arguments in call.items()
    ]


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters") or {}
    return {"name": function["name"], "description": function.get("description") or "", "parameters": _schema(parameters)}


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    """A schema with its types respelled; a parameter may itself be named `type`."""
    found = dict(value)
    if isinstance(found.get("type"), str):
        found["type"] = TYPES.get(found["type"], found["type"])
    if isinstance(found.get("properties"), dict):
        found["properties"] = {n: _schema(s) if isinstance(s, dict) else s for n, s in found["properties"].items()}
    if isinstance(found.get("items"), dict):
        found["items"] = _schema(found["items"])
    return found
