"""The seed files: what a run is promised about their counts, their gold and the wall between training and gate."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from selfimprove.sandbox import run_calls
from selfimprove.tools.grounding import ungrounded

SEEDS = Path(__file__).resolve().parents[2] / "configs" / "seeds"
SIZES = {"bootstrap": 150, "curriculum": 350, "oracle": 100, "gate": 200, "test": 200, "canaries": 20}
TRAIN, HELD_OUT = ("bootstrap", "curriculum", "oracle", "canaries"), ("gate", "test")
SHARES = {"single": 0.40, "choice": 0.20, "parallel": 0.15, "no_tool": 0.15, "missing": 0.10}

Row = dict[str, Any]


def read(name: str) -> list[Row]:
    return [json.loads(line) for line in (SEEDS / f"{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def problems() -> dict[str, list[Row]]:
    return {name: read(name) for name in SIZES}


@pytest.fixture(scope="module")
def tools() -> list[Row]:
    return read("tools")


def gold(rows: list[Row]) -> Iterator[tuple[Row, Row, Row]]:
    """(problem, call, schema) of every gold call."""
    for row in rows:
        for call in row["answer"]["calls"]:
            yield row, call, next(tool["parameters"] for tool in row["tools"] if tool["name"] == call["name"])


def every(problems: dict[str, list[Row]]) -> list[Row]:
    return [row for rows in problems.values() for row in rows]


@pytest.mark.parametrize("name", SIZES)
def test_each_part_has_its_size_and_its_shares_of_kinds(name: str, problems: dict[str, list[Row]]) -> None:
    kinds = Counter(row["kind"] for row in problems[name])
    assert kinds.total() == SIZES[name]
    if name != "canaries":
        assert all(abs(kinds[kind] / SIZES[name] - share) < 0.02 for kind, share in SHARES.items()), kinds


def test_there_are_enough_tools_domains_and_unlabelled_queries(tools: list[Row]) -> None:
    assert len(tools) >= 70 and len({tool["domain"] for tool in tools}) >= 12
    assert len({tool["name"] for tool in tools}) == len(tools)
    assert len(read("queries")) >= 1600


def test_the_tools_cover_every_json_type_and_form_of_parameter(tools: list[Row]) -> None:
    schemas = json.dumps([tool["parameters"] for tool in tools])
    for written in ("string", "integer", "number", "boolean", "array", "object", "null"):
        assert f'"{written}"' in schemas, written
    assert '"enum"' in schemas and '"default"' in schemas
    assert '"items": {"type": "object"' in schemas and '"items": {"type": "number"' in schemas


def test_definitions_are_valid_schemas_and_short(tools: list[Row]) -> None:
    for tool in tools:
        Draft202012Validator.check_schema(tool["parameters"])
        assert len(tool["description"].split()) <= 12, tool["name"]


def test_problems_offer_one_to_three_tools_and_no_examples(problems: dict[str, list[Row]]) -> None:
    for row in every(problems):
        assert 1 <= len(row["tools"]) <= 3, row["id"]
        assert len({tool["name"] for tool in row["tools"]}) == len(row["tools"]), row["id"]
        assert '"examples"' not in json.dumps(row["tools"]), row["id"]


def test_gold_calls_are_valid_against_their_schema(problems: dict[str, list[Row]]) -> None:
    for row, call, schema in gold(every(problems)):
        assert list(Draft202012Validator(schema).iter_errors(call["arguments"])) == [], row["id"]


def test_gold_calls_can_be_executed(problems: dict[str, list[Row]]) -> None:
    calls = [call for _, call, _ in gold(every(problems))]
    sample = random.Random(1).sample(calls, 60)
    for call, result in zip(sample, run_calls(sorted((SEEDS / "tools").glob("*.py")), sample), strict=True):
        assert result.ok, (call, result.error)


def test_gold_values_can_be_found_in_the_query(problems: dict[str, list[Row]]) -> None:
    for row, call, schema in gold(every(problems)):
        assert ungrounded(call["arguments"], schema, row["query"]) == [], row["id"]


def test_no_gold_writes_a_default(problems: dict[str, list[Row]]) -> None:
    for row, call, schema in gold(every(problems)):
        for name, value in call["arguments"].items():
            default = schema["properties"][name].get("default", "no default")
            assert value != default or str(value).lower() in row["query"].lower(), row["id"]


def test_answers_fit_their_kind(problems: dict[str, list[Row]]) -> None:
    for row in every(problems):
        answer, count = row["answer"], len(row["answer"]["calls"])
        if row["kind"] in ("no_tool", "missing"):
            assert count == 0 and answer["abstain"] == row["kind"], row["id"]
        else:
            assert answer["abstain"] is None and (count > 1) == (row["kind"] == "parallel"), row["id"]
        required = {name for tool in row["tools"] for name in tool["parameters"]["required"]}
        assert bool(answer["missing"]) == (row["kind"] == "missing") and set(answer["missing"]) <= required, row["id"]


def test_gate_and_test_use_no_tool_of_a_training_part(problems: dict[str, list[Row]], tools: list[Row]) -> None:
    part = {tool["name"]: tool["part"] for tool in tools}
    for names, wanted in ((TRAIN, "train"), (HELD_OUT, "held_out")):
        offered = {tool["name"] for name in names for row in problems[name] for tool in row["tools"]}
        assert {part[name] for name in offered} == {wanted}


def test_no_query_occurs_twice_anywhere(problems: dict[str, list[Row]]) -> None:
    queries = [row["query"].lower() for row in [*every(problems), *read("queries")]]
    assert [query for query, count in Counter(queries).items() if count > 1] == []


def wordings(part: str) -> set[str]:
    """The templates and frames of a part, without slot names and letter case."""
    sys.path.insert(0, str(SEEDS))
    try:
        from bank import read_bank, read_frames, read_part
    finally:
        sys.path.remove(str(SEEDS))
    banks = read_bank(SEEDS / "phrases" / "queries.txt") if part == "queries" else read_part(SEEDS / "phrases" / part)
    texts = [template.text for phrases in banks.values() for template in phrases.templates]
    frames = read_frames(SEEDS / "phrases" / "frames.txt").get(part, {})
    texts += [text for kind in frames.values() for text in kind]
    return {re.sub(r"\{\w+\}", "{}", text).lower().strip(".?! ") for text in texts}


def test_gate_and_test_use_no_wording_of_a_training_part() -> None:
    trained = wordings("train") | wordings("queries")
    # A template that is nothing but values has no wording to share.
    shared = {text for text in wordings("held_out") & trained if re.search(r"[a-z]", text.replace("{}", ""))}
    assert shared == set()


def test_queries_come_from_many_templates_and_read_cleanly(problems: dict[str, list[Row]]) -> None:
    assert len(wordings("queries")) >= 150
    for row in [*every(problems), *read("queries")]:
        query = row["query"]
        assert query == query.strip() and not re.search(r"  |\.\.|,,|\?\.|!\.|[{}]", query), query
        assert not re.search(r"\b1 (days|weeks|minutes|nights|people|adults|years)\b", query), query
        assert not re.search(r"\ba (8|11|18)\b", query), query


def test_make_check_finds_the_committed_files_current() -> None:
    done = subprocess.run(
        [sys.executable, str(SEEDS / "make.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
