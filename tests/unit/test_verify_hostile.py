"""Whatever a row holds, a verdict comes back in bounded time and nothing is fetched: one bad row must not stop a million."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from selfimprove.verify.layers import LAYERS
from selfimprove.verify.row import verify_row

CALL = '{"name": "f", "arguments": {"x": "a"}}'
SECONDS = 20
"""Far more than any of these takes, far less than a bomb that goes off."""


def nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        made = {"type": "object", "properties": {"x": made}}
    return made


def laughs(keyword: str) -> dict[str, Any]:
    """2 to the 30th validations in a kilobyte."""
    parts = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(30)}
    return {"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": {**parts, "d30": {"type": "integer"}}}


def one(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}}


SCHEMAS: dict[str, Any] = {
    "deep": nested(3000), "rather deep": nested(60), "laughs all": laughs("allOf"), "laughs any": laughs("anyOf"),
    "laughs one": laughs("oneOf"), "itself": {"$ref": "#"}, "circle": one({"$ref": "#/properties/x"}),
    "remote": one({"$ref": "http://192.0.2.1/schema.json"}), "file": one({"$ref": "file:///etc/passwd"}),
    "dynamic": one({"$dynamicRef": "#a"}), "pattern": one({"pattern": "(a+)+$"}), "bad pattern": one({"pattern": "("}),
    "enum": one({"enum": list(range(1_000_000))}), "names": {"type": "object", "patternProperties": {"(x+x+)+y": {}}},
    "types": one({"type": ["string", 3]}), "properties": {"type": "object", "properties": []}, "list": {"type": []},
    "required": {"type": "object", "required": "x"}, "numbers": one({"minLength": "a", "maximum": None}),
    "unevaluated": {"$ref": "#/$defs/a", "unevaluatedProperties": False, "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "nothing": {}, "true": one(True), "false": one(False), "null": one(None), "text": one("string"),
    "surrogate": one({"const": "\ud800"}), "huge": one({"minItems": 10**400}),
    "other draft": one({"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "(a+)+$"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("value", ["a", "a" * 20_000 + "!", [1] * 1000, {"x": {"x": {}}}, 10**299, None])
def test_a_schema_can_neither_hang_nor_break_the_verifier(name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a schema reached for the network"))
    candidate = json.dumps({"name": "f", "arguments": {"x": value}})
    row = {"id": 1, "tools": [{"name": "f", "parameters": SCHEMAS[name]}], "query": "a", "candidate": candidate}
    start = time.monotonic()
    found = verify_row(row)
    assert found["verdict"] in ("accepted", "rejected", "unknown") and (found["reasons"] or found["verdict"] == "accepted")
    assert verify_row({**row, "reference_calls": [{"name": "f", "arguments": {"x": value}}]})["verdict"] == "accepted"
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("frames", range(6))
def test_a_schema_that_holds_itself_is_a_reason_wherever_the_stack_ends(frames: int) -> None:
    """At Python's own limit rpds panics instead of raising an Exception, in one of three depths of the stack."""

    def deeper(left: int) -> dict[str, Any]:
        return deeper(left - 1) if left else verify_row(row)

    schema = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "$ref": "#"}
    row = {"id": 1, "tools": [{"name": "f", "parameters": schema}], "query": "a", "candidate": CALL}
    assert (found := deeper(frames))["verdict"] == "unknown" and found["reasons"] == ["too-complex"]


def test_a_layer_alone_judges_what_other_layers_would_have_stopped() -> None:
    """`--layers grounding` met two calls, one of a tool that was not offered, and ended the run over the file."""
    row = {"id": 1, "tools": [{"name": "f"}], "query": "f", "candidate": "[f(), unknown()]"}
    for layer in LAYERS:
        assert verify_row(row, layers=[layer])["verdict"] in ("accepted", "rejected", "unknown")


CANDIDATES: dict[str, str] = {
    "ten megabytes": "a" * 10_000_000, "brackets": "[" * 900_000, "braces": '{"a":' * 150_000, "tags": "<tool_call>" * 80_000,
    "quotes": '"' * 900_000, "calls": CALL * 20_000, "spaces": " " * 900_000, "NUL": "\x00" * 1000,
    "surrogates": "\ud800" * 1000,
    "long value": json.dumps({"name": "f", "arguments": {"x": "word " * 150_000}}),
    "many values": json.dumps({"name": "f", "arguments": {"x": [f"v{i}" for i in range(60_000)]}}),
    "many names": json.dumps({"name": "f", "arguments": {f"k{i}": i for i in range(60_000)}}),
    "numbers": json.dumps({"name": "f", "arguments": {"x": [10**290] * 2000}}),
    "long number": '{"name": "f", "arguments": {"x": ' + "9" * 500_000 + "}}",
    "digits": json.dumps({"name": "f", "arguments": {"x": "1" * 900_000}}),
    "slashes": json.dumps({"name": "f", "arguments": {"x": "1/" * 9000}}),
    "python": "[f(x=" + "(" * 100_000, "nested": "[f(x=" + "[" * 50 + "]" * 50 + ")]",
}  # fmt: skip


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_candidate_can_neither_hang_nor_break_the_verifier(name: str) -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {"x": {}}}}
    row = {"id": 1, "tools": [tool], "query": "one two three 4 5/6 2026-01-02 " * 50, "candidate": CANDIDATES[name]}
    start = time.monotonic()
    assert verify_row(row)["verdict"] in ("rejected", "unknown")
    assert verify_row({**row, "reference_calls": [json.loads(CALL)]})["verdict"] == "rejected"
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize("query", ["1 " * 300_000, "twenty " * 100_000, "\ud800\x00" * 1000, "a" * 10_000_000, "1/1/1/" * 100_000,
                                   "at half past " * 50_000, "3 may " * 50_000, "é" * 500_000, "5 hours " * 50_000])  # fmt: skip
@pytest.mark.parametrize("value", ["Oslo", 7.25, "2026-01-02", "17:30", "DE", "1 of 3"])
def test_a_conversation_can_neither_hang_nor_break_the_verifier(query: str, value: Any) -> None:
    tool = {"name": "f", "description": "x", "parameters": {"type": "object", "properties": {"x": {}}}}
    start, candidate = time.monotonic(), json.dumps({"name": "f", "arguments": {"x": value}})
    found = verify_row({"id": 1, "tools": [tool], "query": query, "candidate": candidate})
    assert found["verdict"] in ("accepted", "unknown") and time.monotonic() - start < SECONDS
