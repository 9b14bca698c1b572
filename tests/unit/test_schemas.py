"""The JSON Schemas that others validate our files with: current, valid, named in the document, and true of the seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from selfimprove.config import load
from selfimprove.records import Answer, Call, Completion
from selfimprove.schemas.make import SCHEMAS, schema, stale
from selfimprove.store.champion import Model, promote
from selfimprove.store.layout import Layout
from selfimprove.store.stage import open_stage
from selfimprove.store.starts import current_start
from selfimprove.tools.data import SEEDS, TRAINED

ROOT = Path(__file__).resolve().parents[2]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def wrong(name: str, value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(value)]


def rows(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_the_schemas_on_disk_are_those_of_the_code() -> None:
    assert stale() == [], "run `python -m selfimprove.schemas.make`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_named_in_the_document(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert f"schema `{name}`" in FORMATS or f"| `{name}` |" in FORMATS or f"schema\n`{name}`" in FORMATS


def test_the_keys_of_every_schema_stand_in_the_document() -> None:
    missing = [(n, key) for n in SCHEMAS for key in schema(n).get("properties", {}) if f"`{key}`" not in FORMATS]
    assert missing == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tools", "tools"), ("queries", "queries"), ("suite", "general"),
        *(("samples", part) for part in (*TRAINED, "gate", "test", "canaries")),
    ],
)  # fmt: skip
def test_the_seeds_are_what_the_schemas_say(name: str, file: str) -> None:
    validator = Draft202012Validator(schema(name))
    assert [row for row in rows(SEEDS / f"{file}.jsonl") if not validator.is_valid(row)] == []


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda f: f.name)
def test_the_configurations_are_what_the_schema_says(file: Path) -> None:
    assert wrong("config", yaml.safe_load(file.read_text())) == []
    assert wrong("config", load([file]).value.model_dump(mode="json")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", {"name": "1"}), ("tools", {"description": "x"}), ("tools", {"name": "f", "parameters": {"type": "strin"}}),
        ("queries", {"query": " "}), ("samples", {"id": "a"}), ("config", {"trian": {}}), ("ask", {"calls": []}),
    ],
)  # fmt: skip
def test_what_the_commands_refuse_the_schemas_refuse(name: str, value: Any) -> None:
    assert wrong(name, value)


def test_both_forms_of_a_definition_are_allowed() -> None:
    definition = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    assert wrong("tools", definition) == wrong("tools", {"type": "function", "function": definition}) == []


def test_what_a_run_writes_is_what_the_schemas_say(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path, "run")
    promote(layout, Model(name="bootstrap", path=tmp_path, digest="0" * 16), 0)
    current_start(layout, 2, more=False)
    with pytest.raises(ValueError), open_stage(layout.round(0) / "select", "select", 0, inputs={}):
        raise ValueError
    with open_stage(layout.round(0) / "select", "select", 0, inputs={"data": "x"}) as stage:
        (stage.path / "rows.jsonl").write_text("{}\n")
        stage.close({"rows": 1})
    assert wrong("champion", json.loads(layout.champion.read_text())) == []
    assert wrong("starts", json.loads((layout.root / "starts.json").read_text())) == []
    assert wrong("manifest", json.loads((stage.path / "manifest.json").read_text())) == []
    assert [wrong("times", row) for row in rows(stage.path / "times.jsonl")] == [[]]


def test_streamed_completions_and_answers_are_what_the_schemas_say() -> None:
    made = Completion(request="a", index=0, text="", tokens=(1,), logprob=-0.5, finish="stop", prompt_tokens=3)
    assert wrong("completions", {"key": "0" * 16, **made.model_dump(mode="json")}) == []
    answer = Answer(calls=(Call(name="f", arguments={"x": [None]}),)).model_dump(mode="json")
    assert wrong("ask", {"calls": answer["calls"], "abstain": None, "text": "x"}) == []
    assert wrong("ask", {"calls": [], "abstain": "unparsed: bad-json", "text": "x"}) == []
