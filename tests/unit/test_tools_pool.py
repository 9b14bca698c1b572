"""A user's pool file: every mistake is one sentence with its line, and every good definition is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Data
from selfimprove.errors import DataError
from selfimprove.records import Tool
from selfimprove.tools.data import SEEDS, SUITES, TRAINED, load_data
from selfimprove.tools.pool import EXPLAINED, check_modules, read_pool, read_samples
from selfimprove.tools.schema_rules import problems


def tool(name: str = "f", **parameters: Any) -> dict[str, Any]:
    return {"name": name, "description": "Does it.", "parameters": {"type": "object", "properties": {}, **parameters}}


def file_of(folder: Path, *lines: object) -> Path:
    file = folder / "tools.jsonl"
    file.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), encoding="utf-8")
    return file


def refused(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_pool(file)
    said = str(caught.value)
    assert said.startswith(str(file)) and "\n" not in said
    return said.removeprefix(str(file))


def test_the_line_of_malformed_json_is_named(tmp_path: Path) -> None:
    assert ", line 3: is not valid JSON" in refused(file_of(tmp_path, tool(), "", '{"name": "g",}'))


def test_an_empty_pool_is_said(tmp_path: Path) -> None:
    assert "is empty" in refused(file_of(tmp_path, ""))


def test_another_encoding_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "tools.jsonl"
    file.write_bytes(json.dumps(tool()).encode() + b"\n" + '{"name": "g", "description": "Größe"}'.encode("latin-1"))
    assert ", line 2: is not UTF-8" in refused(file)


def test_a_name_that_stands_twice_names_both_lines(tmp_path: Path) -> None:
    assert ", line 2: tool f stands on line 1 already" in refused(file_of(tmp_path, tool(), tool()))


@pytest.mark.parametrize(
    ("definition", "rule"),
    [
        (tool(properties={"x": {"type": "strin"}}), "no-schema"),
        (tool(properties={"x": {"pattern": "("}}), "no-schema"),
        (tool(properties=[]), "no-schema"),
        (tool(required="x"), "no-schema"),
        ({**tool(), "parameters": {"type": "array"}}, "not-object"),
        (tool(required=["x"]), "required-unknown"),
        (tool(name="1f"), "name"),
        (tool(name="get weather"), "name"),
        (tool(name="a" * 65), "name"),
        (tool(description="x" * 20_001), "too-large"),
        (tool(properties={"x": {"$ref": "https://example.org/s.json"}}), "remote-ref"),
        (tool(properties={"x": {"$ref": "other.json"}}), "remote-ref"),
        (tool(properties={"x": {"$ref": "#/$defs/none"}}), "bad-ref"),
        (tool(properties={"x": {"$ref": "#/properties/x"}}), "bad-ref"),
    ],
)
def test_a_definition_that_breaks_a_rule_names_line_tool_and_rule(tmp_path: Path, definition: dict[str, Any], rule: str) -> None:
    said = refused(file_of(tmp_path, tool("good"), definition))
    assert ", line 2: " in said and EXPLAINED[rule] in said


def test_a_schema_too_deep_is_refused_without_ending_the_process(tmp_path: Path) -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(20):
        schema = {"type": "object", "properties": {"x": schema}}
    assert EXPLAINED["too-deep"] in refused(file_of(tmp_path, {"name": "f", "parameters": schema}))


@pytest.mark.parametrize("line", ["[]", "3", '{"description": "x"}', '{"name": "f", "parameters": 3}', '{"name": null}'])
def test_a_line_that_is_no_definition_is_said(tmp_path: Path, line: str) -> None:
    assert ", line 1: is no tool definition" in refused(file_of(tmp_path, line))


def test_definitions_of_both_forms_are_taken(tmp_path: Path) -> None:
    local = tool("g", properties={"x": {"$ref": "#/$defs/a"}}, **{"$defs": {"a": {"type": "string"}}})
    wrapped = {"type": "function", "function": tool("h")}
    pool = read_pool(file_of(tmp_path, tool(), local, wrapped, {"name": "bare"}))
    assert list(pool.entries) == ["f", "g", "h", "bare"]


def test_distractors_come_from_the_tool_s_own_domain(tmp_path: Path) -> None:
    rows = [tool("a") | {"domain": "x"}, tool("b") | {"domain": "x"}, tool("c") | {"domain": "y"}, tool("d")]
    pool = read_pool(file_of(tmp_path, *rows))
    assert [t.name for t in pool.siblings("a")] == ["b"]
    assert [t.name for t in pool.others("a")] == ["c", "d"]
    assert pool.siblings("d") == []


def test_held_out_tools_never_enter_a_run() -> None:
    rows = [json.loads(line) for line in (SEEDS / "tools.jsonl").read_text("utf-8").splitlines()]
    held_out = {r["name"] for r in rows if r["part"] != "train"}
    pool = read_pool(SEEDS / "tools.jsonl", part="train")
    assert held_out and not held_out & pool.entries.keys()


def test_a_module_that_is_not_there_is_named_before_any_work(tmp_path: Path) -> None:
    pool = read_pool(file_of(tmp_path, tool("f") | {"module": "f.py"}, tool("g") | {"module": "lost/g.py"}, tool("h")))
    (tmp_path / "f.py").write_text("TOOLS = []", encoding="utf-8")
    with pytest.raises(DataError, match="tool g ") as caught:
        check_modules(pool, tmp_path)
    assert str(tmp_path / "lost" / "g.py") in str(caught.value) and "\n" not in str(caught.value)
    check_modules(read_pool(SEEDS / "tools.jsonl"), SEEDS)


def test_ids_of_problems_that_stand_twice_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "gate.jsonl"
    file.write_text('{"id": "a", "query": "b"}\n' * 2)
    with pytest.raises(DataError, match="id a stands twice"):
        read_samples(file)


def test_the_seeds_load_and_a_leak_into_a_suite_is_refused(tmp_path: Path) -> None:
    data = load_data(Data())
    assert [len(getattr(data, name)) for name in TRAINED] == [150, 350, 100]
    assert [len(data.suites[name].items) for name in SUITES] == [200, 200, 20, 40]
    leak = {"id": "mine", "query": f"  {data.suites['gate'].items[0].query.upper()} "}
    (tmp_path / "mine.jsonl").write_text(json.dumps(leak))
    with pytest.raises(DataError, match=r"1 queries of suite gate stand in training data too: gate-0001 [(]bootstrap mine[)]"):
        load_data(Data(bootstrap=tmp_path / "mine.jsonl"))
    assert len(load_data(Data(bootstrap=tmp_path / "mine.jsonl", allow_shared=True)).bootstrap) == 1


def test_queries_are_known_by_their_text_and_empty_ones_named(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"query": "What is up?"}\n{"query": "What is up?"}\n{"id": "7", "query": "Hi"}\n')
    queries = load_data(Data(queries=file)).queries
    assert len(queries) == 2 and queries[1].id != "7", "ids of a file may be renumbered, texts are what was used"
    file2 = tmp_path / "p.jsonl"
    file2.write_text('{"query": "ok"}\n{"query": " "}\n')
    with pytest.raises(DataError, match="line 2: needs a key"):
        load_data(Data(queries=file2))


def test_tools_that_a_model_made_are_held_to_more() -> None:
    def made(description: str, **properties: Any) -> list[str]:
        return problems(Tool(name="f", description=description, parameters={"type": "object", "properties": properties}),
        made=True)

    assert made("Finds things.", x={"type": "string"}) == []
    assert made("Finds.", x={"type": "string"}) == ["undescribed"]
    assert made("Finds things.", x={"description": "y"}) == ["type"]
    assert made("Finds things.", x=True) == ["type"]
    assert made("Finds things.", x={"type": "string"}, y={"allOf": [{"$ref": "#"}], "type": "string"}) == ["bad-ref"]
