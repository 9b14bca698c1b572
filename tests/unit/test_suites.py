"""Suites: what is refused before anything is measured, where they lie, and what BFCL's files become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfimprove.chat import write
from selfimprove.config.model import Data
from selfimprove.errors import DataError
from selfimprove.evaluate import check_gold
from selfimprove.evaluate.score import gold, score
from selfimprove.records import Answer, Completion, Message, SuiteItem, Tool
from selfimprove.subtasks import use
from selfimprove.tools.bfcl_files import convert_bfcl
from selfimprove.tools.canonical import key
from selfimprove.tools.data import load_data
from selfimprove.tools.pool import read_samples
from selfimprove.tools.registry import OWN, SEEDS, add_suite, find_suite, registered
from selfimprove.tools.suite import Suite, item_of, read_suite, shared_with

WEATHER = {"name": "weather", "description": "d", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}}  # fmt: skip
CALL = {"name": "weather", "arguments": {"city": {"values": ["Oslo"]}, "days": {"values": [1], "optional": True}}}
ITEM: dict[str, Any] = {
    "id": "a", "category": "simple", "messages": [{"role": "user", "content": "Oslo?"}], "tools": [WEATHER],
    "admissible": [[CALL]],
}  # fmt: skip


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def without(*names: str, **more: Any) -> dict[str, Any]:
    return {**{k: v for k, v in ITEM.items() if k not in names}, **more}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (without("admissible"), "exactly one of admissible, abstain, says and any_call"),
        (without(abstain="no_tool"), "exactly one of"),
        (without(admissible=[]), "nothing is admissible"), (without(admissible=[[]]), "nothing is admissible"),
        (without("admissible", abstain="no_tool", missing=["x"]), "`missing` belongs to"),
        (without("admissible", abstain="never"), "abstain: must be 'no_tool'"),
        (without("messages"), "messages: is missing"), (without(messages=[]), "messages: "),
        (without(unknown=1), "unknown: is a key that is not known"),
        (without(tools=[]), "calls weather, which is not among its tools"),
        (without(tools=[WEATHER, WEATHER]), "offers two tools named weather"),
        (without("admissible", any_call=True, tools=[]), "wants a call and offers no tool"),
        (without(tools=[{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "text"}}}}]),
         "tool weather: the type of parameter city is 'text', which JSON Schema does not know"),
        (without(tools=[{"name": "weather", "parameters": {"type": "dict"}}]), "the type of the parameters is 'dict'"),
        (without(tools=[{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": {"a": 1}}}}}]),
         "the type of parameter city is"),
        (without(admissible=[[{"name": "weather", "arguments": {"city": {"values": []}}}]]),
         "nothing is admissible for the argument city of weather"),
        (without("admissible", abstain="missing", missing=["town"]), "`missing` names town, which is a parameter of none"),
        (without("admissible", says=["", "blue"]), "`says` holds an empty text"),
        (without(tools=[{"name": "weather", "parameters": {"type": "object", "properties": {"x": {"$ref": "http://x"}}}}]),
         "refers to a schema on the network"),
        ({"id": "a", "query": "Oslo?"}, "has no answer"),
    ],
)  # fmt: skip
def test_an_item_that_cannot_be_measured_is_refused_with_its_line(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError) as caught:
        read_suite(written(tmp_path, {**ITEM, "id": "first"}, row))
    assert "mine.jsonl, line 2: " in str(caught.value) and why in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_as_windows_saves_it_is_read_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + f"{json.dumps(ITEM)}\r\n{json.dumps({**ITEM, 'id': 'b'})}\r\n".encode())
    assert read_suite(file) == read_suite(written(tmp_path, ITEM, {**ITEM, "id": "b"}))
    for other, encoding in (("Köln", "latin-1"), ("Oslo", "utf-16")):
        file.write_text(json.dumps(without(messages=[{"role": "user", "content": other}]), ensure_ascii=False), encoding)
        with pytest.raises(DataError, match=r"mine.jsonl, line 1: is not UTF-8 text; save the file as UTF-8"):
            read_suite(file)


def test_an_id_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: id a stands on line 1 already"):
        read_suite(written(tmp_path, ITEM, {**ITEM, "id": "b"}, ITEM))


def test_a_schema_bomb_in_a_suite_ends_in_a_sentence(tmp_path: Path) -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(25):
        deep = {"type": "object", "properties": {"x": deep}}
    with pytest.raises(DataError, match="nested too deeply"):
        read_suite(written(tmp_path, without(tools=[{"name": "weather", "parameters": deep}])))


def test_the_project_s_own_suites_are_found_by_name_and_by_category(tmp_path: Path) -> None:
    sizes = {"gate": 200, "test": 200, "canaries": 20, "general": 40}
    assert {name: len(find_suite(name, tmp_path).items) for name in OWN} == sizes
    assert {i.category for i in find_suite("gate:single,missing", tmp_path).items} == {"single", "missing"}
    file = written(tmp_path, ITEM, {**ITEM, "id": "b", "category": "other"})
    assert [i.id for i in find_suite(f"{file}:other", tmp_path).items] == ["b"]
    assert len(find_suite(str(file), tmp_path).items) == 2
    with pytest.raises(DataError, match="has no category ''"):
        find_suite("gate:", tmp_path)
    with pytest.raises(DataError, match="has no category 'sinlge'; its categories: choice, missing"):
        find_suite("gate:sinlge", tmp_path)
    with pytest.raises(DataError, match="there is no suite 'gat'; there are gate, test"):
        find_suite("gat", tmp_path)
    with pytest.raises(DataError, match=r"no suite '\.\./x'"):
        find_suite("../x", tmp_path)


def test_a_registered_suite_is_what_was_registered(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, ITEM), "mine")
    add_suite(tmp_path, suite, "x", {})
    assert find_suite("mine:simple", tmp_path) == suite and [c.name for c in registered(tmp_path)] == ["mine"]
    other = read_suite(written(tmp_path, {**ITEM, "id": "b"}), "mine")
    with pytest.raises(DataError, match="is registered with other items; add --replace"):
        add_suite(tmp_path, other, "x", {})
    assert find_suite("mine", tmp_path) == suite
    add_suite(tmp_path, other, "x", {}, replace=True)
    assert find_suite("mine", tmp_path) == other
    written(tmp_path, ITEM).rename(tmp_path / "suites" / "mine.jsonl")
    with pytest.raises(DataError, match="was changed since the suite was registered"):
        find_suite("mine", tmp_path)


@pytest.mark.parametrize("name", ["gate", "a/b", "", ".x", "x.jsonl", "y" * 80])
def test_a_name_that_would_mean_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        add_suite(tmp_path, Suite(name, (SuiteItem.model_validate(ITEM),)), "x", {})
    assert not (tmp_path / "suites").exists()


def test_what_a_suite_shares_with_training_data_is_listed(tmp_path: Path) -> None:
    suite = read_suite(written(tmp_path, ITEM, {**ITEM, "id": "b", "messages": [{"role": "user", "content": "Rome?"}]}))
    renamed = Tool(name="Weather", description="Other words.", parameters=WEATHER["parameters"])  # type: ignore[arg-type]
    assert shared_with(suite, {"  oslo? ": "queries"}, []) == "1 queries of suite mine stand in training data too: a (queries)"
    assert shared_with(suite, {}, [renamed]) == "1 tools of suite mine stand in training data too: weather (first in a)"
    assert shared_with(suite, {"Bergen?": "queries"}, [Tool(name="weather")]) == ""


def said(item: SuiteItem, text: str, finish: Any = "stop", profile: Any = "strict") -> str:
    return score(item, Completion(request="a", index=0, text=text, finish=finish, prompt_tokens=1), profile).reason


def call_text(**arguments: Any) -> str:
    return "<tool_call>" + json.dumps({"name": "weather", "arguments": arguments}) + "</tool_call>"


@pytest.mark.parametrize(
    ("item", "text", "reason"),
    [
        (ITEM, call_text(city="Oslo"), ""), (ITEM, call_text(city="Oslo", days=1), ""),
        (ITEM, call_text(city="Oslo", days=2), "wrong-value:days"), (ITEM, call_text(), "missing-argument:city"),
        (ITEM, call_text(city="Oslo", unit="c"), "extra-argument:unit"), (ITEM, "Sunny.", "should-call"),
        (without("admissible", any_call=True), call_text(city=1), ""),
        (without("admissible", any_call=True), "Sunny.", "should-call"),
        (without("admissible", any_call=True), call_text().replace("weather", "other"), "wrong-tool"),
        (without("admissible", abstain="no_call"), "From which city?", ""),
        (without("admissible", abstain="no_call"), "No tool fits.", ""),
        (without("admissible", abstain="no_call"), "", "empty"),
        (without("admissible", abstain="no_call"), "<tool_call>{", "unclosed-call"),
        (without("admissible", abstain="missing"), "Which city do you mean?", ""),
        (without("admissible", abstain="missing"), "No tool fits this request.", "wrong-reason"),
        (without("admissible", "tools", says=["Paris"]), "It is PARIS, of course.", ""),
        (without("admissible", "tools", says=["4", "four"]), "It is 14.", "not-said"),
        (without("admissible", "tools", says=["4"]), call_text(x="4"), "should-abstain"),
        (without("admissible", "tools", says=["4"]), " ", "empty"),
    ],
)  # fmt: skip
def test_each_sort_of_item_is_scored_by_its_own_rule(item: dict[str, Any], text: str, reason: str) -> None:
    assert said(SuiteItem.model_validate(item), text) == reason


def test_a_plain_answer_may_be_cut_off_and_a_call_may_not() -> None:
    plain = SuiteItem.model_validate(without("admissible", "tools", says=["Paris"]))
    assert said(plain, "Paris is the capital of", "length") == ""
    assert said(plain, "", "too_long") == "prompt-too-long"
    assert said(SuiteItem.model_validate(ITEM), call_text(city="Oslo"), "length") == "truncated"


def test_an_answer_of_a_megabyte_is_one_wrong_row() -> None:
    assert said(SuiteItem.model_validate(ITEM), call_text(city="x" * 1_200_000)) == "too-large"
    assert said(SuiteItem.model_validate(ITEM), "<tool_call>" * 90_000) == "unclosed-call"


def test_labelled_problems_are_scored_as_before_by_the_equality_of_calls() -> None:
    """What the gate decided on before items could admit several answers: the same for all gold and for every other gold."""
    samples = [s for part in ("gate", "test") for s in read_samples(SEEDS / f"{part}.jsonl") if s.answer and s.answer.calls]
    for sample, other in zip(samples, samples[1:] + samples[:1], strict=True):
        assert sample.answer and other.answer
        halved = Answer(calls=sample.answer.calls[:1])
        for answer in (sample.answer, halved, Answer(calls=sample.answer.calls[::-1]), other.answer):
            same = key(answer, sample.tools, "strict") == key(sample.answer, sample.tools, "strict")
            assert (said(item_of(sample), write(answer)) == "") == same, (sample.id, answer)


def test_every_shipped_item_is_right_when_its_own_answer_is_given() -> None:
    for name in ("gate", "test", "canaries"):
        for item in find_suite(name, Path("runs")).items:
            assert said(item, write(gold(item))) == "", item.id


def test_the_prompt_of_a_measured_item_is_the_trained_one() -> None:
    user = Message(role="user", content="Oslo?")
    sample = read_samples(SEEDS / "gate.jsonl")[0]
    assert use.with_instruction(item_of(sample).messages) == use.prompt(sample)
    first, second = use.with_instruction((Message(role="system", content="Be brief."), user))
    assert first.role == "system" and first.content.endswith("\n\nBe brief.") and second == user


def test_shared_queries_or_tools_of_a_run_s_own_suites_are_refused_unless_allowed(tmp_path: Path) -> None:
    trained = read_samples(SEEDS / "bootstrap.jsonl")[0]
    file = written(tmp_path, {**ITEM, "tools": [*(t.model_dump() for t in trained.tools), WEATHER]})
    with pytest.raises(DataError, match=f"mine.jsonl: .*{trained.tools[0].name}.* or set data.allow_shared=true"):
        load_data(Data(gate=file))
    assert len(load_data(Data(gate=file, allow_shared=True)).suites["gate"].items) == 1
    assert load_data(Data(canaries=file)), "canaries are of known tools on purpose"


BFCL_TOOL = {"name": "geo.area", "description": "d", "parameters": {
    "type": "dict", "required": ["side"],
    "properties": {
        "side": {"type": "float"}, "type": {"type": "any"}, "at": {"type": "tuple", "items": {"type": "integer"}}}}}  # fmt: skip


def bfcl(folder: Path, category: str, rows: list[dict[str, Any]], truth: list[Any] | None) -> None:
    (folder / "data" / "possible_answer").mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps({"id": f"{category}_{i}", **row}) + "\n" for i, row in enumerate(rows))
    (folder / "data" / f"BFCL_v4_{category}.json").write_text(lines, encoding="utf-8")
    if truth is not None:
        answers = "".join(json.dumps({"id": f"{i}", "ground_truth": t}) + "\n" for i, t in enumerate(truth))
        (folder / "data" / "possible_answer" / f"BFCL_v4_{category}.json").write_text(answers, encoding="utf-8")


@pytest.fixture
def bfcl_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bfcl"
    row = {"question": [[{"role": "user", "content": "Area?"}]], "function": [BFCL_TOOL]}
    bfcl(folder, "simple_python", [row], [[{"geo.area": {"side": [2.0], "type": ["Big one", ""]}}]])
    bfcl(folder, "irrelevance", [row], None)
    bfcl(folder, "live_relevance", [row], None)
    bfcl(folder, "multi_turn_base", [row], None)
    bfcl(folder, "simple_java", [row], None)
    return folder


def test_bfcl_s_files_become_a_suite_and_the_rest_is_named(bfcl_folder: Path) -> None:
    suite, left_out = convert_bfcl(bfcl_folder, "bfcl")
    simple, irrelevant, relevant = suite.items
    assert set(left_out) == {"multi_turn_base", "simple_java"} and suite.profile == "bfcl-like"
    properties = simple.tools[0].properties
    assert [properties[n]["type"] for n in ("side", "type", "at")] == ["number", "string", "array"]
    assert (irrelevant.abstain, relevant.any_call) == ("no_call", True)
    right = '{"name": "geo.area", "arguments": {"side": 2, "type": "big-one"}}'
    assert said(simple, right, profile="bfcl-like") == "" and said(simple, right) != "", "case and - do not count for BFCL"
    assert said(simple, '{"name": "geo.area", "arguments": {"side": 2.0}}', profile="bfcl-like") == ""
    assert suite.only(["simple"]).items == (simple,)


def test_a_published_item_that_nobody_can_solve_is_kept_and_named(bfcl_folder: Path) -> None:
    row = {"question": [[{"role": "user", "content": "Area?"}]], "function": [BFCL_TOOL]}
    bfcl(bfcl_folder, "live_simple", [row, row], [[{"geo.area": {"side": []}}], [{"geo.area": {"side": [2.0]}}]])
    suite, _ = convert_bfcl(bfcl_folder, "bfcl")
    assert check_gold(suite) == {"live_simple_0": "wrong-value:side"}


def test_bfcl_files_that_do_not_belong_together_are_refused(bfcl_folder: Path) -> None:
    answers = bfcl_folder / "data" / "possible_answer" / "BFCL_v4_simple_python.json"
    answers.write_text(answers.read_text() * 2)
    with pytest.raises(DataError, match="has 2 answers for 1 items"):
        convert_bfcl(bfcl_folder, "bfcl")
    bfcl(bfcl_folder, "simple_python", [{"question": [[], []], "function": []}], [[]])
    with pytest.raises(DataError, match="line 1: has 2 turns"):
        convert_bfcl(bfcl_folder, "bfcl")
    bfcl(bfcl_folder, "simple_python", [{"prompt": "x"}], [[]])
    with pytest.raises(DataError, match="line 1: is not an item of BFCL v4"):
        convert_bfcl(bfcl_folder, "bfcl")
    with pytest.raises(DataError, match="holds no BFCL_v4_"):
        convert_bfcl(bfcl_folder / "nothing", "bfcl")
