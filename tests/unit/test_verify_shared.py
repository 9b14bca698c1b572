"""What answers to one request share is found once. A verdict that depends on what was judged before is wrong for somebody."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from typing import Any

from selfimprove.config.model import Verify
from selfimprove.records import Answer, Attempt, Call, Sample, Tool
from selfimprove.tools import validation
from selfimprove.tools.conversation import MOST_TOOLS, Conversation
from selfimprove.verify import case, coverage, grounding
from selfimprove.verify.judge_sample import judge_sample
from selfimprove.verify.row import verify_row

QUERY = "Set the lamp in the hall to 1 and 2.5, not 1,200 or 1st.75, at half past 7 on March 5, 2023 in Oslo"
VALUES = ("Oslo", "oslo", "Rome", 1, 1.0, True, 0, 0.0, -0.0, False, None, 2.5, 2, "2.5", 7.5, -1, 1200, 1.75, 10**17 + 1,
          "2023-03-05", ["hall", "attic"], [["hall"]], {"a": "hall", "b": 1}, [], {})  # fmt: skip
DEFAULTS = (None, 0, False, 1, True, 1.0, "attic")


def rows() -> list[dict[str, Any]]:
    found = []
    for number, value in enumerate(VALUES):
        for default in DEFAULTS:
            schema = {"description": "In metres. Default is 12."} | ({} if default is None else {"default": default})
            inner = {"type": "object", "properties": {"x": schema, "y": {"type": ["string", "number"]}, "x.a": {}}}
            tool = {"name": "lamp", "description": "Switches a lamp.", "parameters": inner}
            call = {"name": "lamp", "arguments": {"x": value, "y": VALUES[-number - 1]}}
            found.append({"id": len(found), "tools": [tool], "query": QUERY, "candidate": json.dumps(call)})
    return found


def forget() -> None:
    validation._small.clear()
    validation._large.clear()
    coverage._spoken.clear()
    case._said.cache_clear()


def alone(row: dict[str, Any]) -> dict[str, Any]:
    forget()
    return verify_row(row)


def test_no_verdict_depends_on_the_rows_before() -> None:
    given = rows()
    expected = [alone(row) for row in given]
    assert [verify_row(row) for row in given] == expected
    for seed in (1, 2):
        order = random.Random(seed).sample(range(len(given)), len(given))
        found = {i: verify_row(given[i]) for i in order}
        assert [repr(found[i]) for i in range(len(given))] == [repr(one) for one in expected]
    assert len({json.dumps(one["reasons"]) for one in expected}) > 5


def test_a_new_process_judges_as_this_one_does() -> None:
    given = rows()[::9]
    for row in given:
        verify_row(row)
    code = (
        "import json, sys; from selfimprove.verify.row import verify_row;"
        "print(json.dumps(list(map(verify_row, json.load(sys.stdin)))))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(given), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps([verify_row(row) for row in given]))


def test_tools_that_the_caller_changes_are_judged_as_they_are() -> None:
    parameters: dict[str, Any] = {
        "type": "object", "required": ["x"],
        "properties": {"x": {"enum": ["hall", 1]}, "y": {"const": ["a"]}, "z": {"enum": ["Oslo"]}},
    }  # fmt: skip
    row = {"id": 1, "tools": [{"name": "lamp", "parameters": parameters}], "query": QUERY}
    given: list[dict[str, Any]] = [{"x": "hall"}, {"x": 1, "y": ["a"]}, {"x": "hall", "z": "Oslo"}, {}]
    texts = [json.dumps({"name": "lamp", "arguments": arguments}) for arguments in given]
    unchanged, again = copy.deepcopy(row), copy.deepcopy(row)
    before = [verify_row({**row, "candidate": text}) for text in texts]
    parameters["required"].append("w")
    parameters["properties"]["x"]["enum"][:] = ["attic"]
    parameters["properties"]["y"]["const"].append("b")
    parameters["properties"]["z"]["enum"].clear()
    # Equal to what was seen first: the caller's changes must not have reached what was kept of it.
    assert [verify_row({**unchanged, "candidate": text}) for text in texts] == before
    after = [verify_row({**row, "candidate": text}) for text in texts]
    assert [one["verdict"] for one in after] == ["rejected"] * 4
    assert [verify_row({**again, "candidate": text}) for text in texts] == before


def test_what_is_kept_is_bounded_however_many_values_and_tools_there_are() -> None:
    said = Conversation("Any of them")
    for _ in range(50):
        said.traced(object(), "")["x"] = None
    assert len(said._traced) <= MOST_TOOLS
    assert said.traced(object(), "long " * 10_000) is not said.traced(object(), "long " * 10_000)
    values = [f"place {number}" for number in range(1000)] + ["far " * 200]
    tool = {"name": "go", "parameters": {"type": "object", "properties": {"to": {"type": "array"}}}}
    call = {"name": "go", "arguments": {"to": values}}
    forget()
    verify_row({"id": 1, "tools": [tool], "query": "Go to place 1", "candidate": json.dumps(call)})
    kept = case._said("Go to place 1")._traced
    assert sum(map(len, kept.values())) <= grounding.MOST_KEPT
    assert all(len(key[1]) < grounding.LONGEST_KEPT for one in kept.values() for key in one)
    for number in range(40):
        big = {"name": "go", "description": "x" * 200_000, "parameters": {"type": "object", "properties": {f"p{number}": {}}}}
        verify_row({"id": 1, "tools": [big], "query": 'Go to "Oslo"', "candidate": '{"name": "go", "arguments": {}}'})
    assert len(coverage._spoken) <= coverage.MOST_KEPT
    assert sum(map(len, coverage._spoken)) <= coverage.MOST_KEPT * coverage.LONGEST_KEPT


def test_numbers_are_found_as_the_index_finds_them() -> None:
    texts = (
        QUERY, "5 and a half", "5 point 5", "two point 5", "x-5 and -7", "1st.5", "a5 5k 7.", "5.5.5", "3/4", "1,200", "12 345",
        "5 dozen", "12345678901234567", "1000.9999999999999k", "seven", "5th", "$5", "٥", "0.25", "007", "half 5", "5.dozen", "",
    )  # fmt: skip
    numbers = (
        5, 5.0, 5.5, 2.5, -5, -7, 7, 1.5, 0.5, 5000, 0.75, 3, 1200, 12, 345, 60, 12345678901234567, 1.2345678901234568e16,
        1000999.9999999999, 0, 0.25, 25, 1, -0.0, 1e300, float("inf"), 10**299,
    )  # fmt: skip
    for text in texts:
        for number in numbers:
            assert Conversation(text).has_number(number) == (number in Conversation(text).numbers), (text, number)


def test_attempts_at_one_problem_are_judged_as_each_alone() -> None:
    tools = (Tool(name="lamp", description="Switches a lamp.", parameters={"type": "object", "properties": {"x": {}}}),)
    sample = Sample(id="s", query=QUERY, tools=tools, source="make")
    attempts = [
        Attempt(sample="s", index=i, text="", answer=Answer(calls=(Call(name="lamp", arguments={"x": value}),)))
        for i, value in enumerate(VALUES)
    ]
    _, together = judge_sample(sample, attempts, Verify())
    apart = []
    for attempt in attempts:
        forget()
        apart += judge_sample(sample, [attempt], Verify())[1]
    assert together == apart
    assert len({one.status for one in together}) > 1
