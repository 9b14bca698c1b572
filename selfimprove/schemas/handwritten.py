"""Schemas of the files that no record describes: plain dictionaries, kept beside the table that names them."""

from __future__ import annotations

from typing import Any

from selfimprove.chat import FAMILIES, SYNTAXES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
COUNTS: Schema = {"type": "object", "additionalProperties": NUMBER}


def closed(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """An object with these keys and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


DEFINITION: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_.\-]{0,63}$"},
        "description": {"type": ["string", "null"]},
        "parameters": {
            "anyOf": [
                {"type": "null"},
                {"$ref": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                "properties": {"type": {"const": "object"}}},
            ]
        },
    },
    "required": ["name"],
}
"""A definition in either of the two forms that are read."""

TOOLS: Schema = {
    "type": "object",
    "properties": {
        "domain": {"type": "string", "description": "Tools of one domain are each other's hard distractors."},
        "module": {"type": ["string", "null"], "description": "Python file whose function of that name runs the call."},
        "part": {"type": "string", "description": "Only tools of the part train enter a run's pool; none means train."},
    },
    "anyOf": [
        DEFINITION,
        {"properties": {"type": {"const": "function"}, "function": DEFINITION}, "required": ["function"]},
    ],
}

QUERIES: Schema = {
    "type": "object",
    "properties": {"id": {"type": "string", "minLength": 1}, "query": {"type": "string", "pattern": r"\S"}},
    "required": ["query"],
}

MANIFEST: Schema = closed({
    "stage": TEXT, "round": COUNT, "key": DIGEST, "version": TEXT, "inputs": {"type": "object"}, "counts": COUNTS,
    "outputs": {"type": "object", "additionalProperties": DIGEST}, "digest": DIGEST, "seconds": {"type": "number", "minimum": 0},
})  # fmt: skip

MODEL: Schema = closed({"name": TEXT, "path": TEXT, "digest": DIGEST})

RUN: Schema = closed({
    "name": TEXT, "model": TEXT, "created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$"},
    "seed": {"type": "integer"}, "base": MODEL, "set": {"type": "object", "additionalProperties": TEXT},
})  # fmt: skip

FAMILY: Schema = {
    "type": "object",
    "properties": {
        "family": {"enum": list(FAMILIES)}, "syntax": {"enum": list(SYNTAXES)},
        "stop": {"type": "array", "items": TEXT}, "vllm_tool_call_parser": TEXT,
    },
    "required": ["family"],
}  # fmt: skip
"""`selfimprove.json`: `family` is read, and `syntax` and `stop` where they are given."""

BANDS: Schema = closed(dict.fromkeys(("mastered", "learnable", "frontier", "out_of_reach"), COUNT), optional=(
    "mastered", "learnable", "frontier", "out_of_reach"))  # fmt: skip

STEPS: Schema = closed({
    "step": {"type": "integer", "minimum": 1}, "steps": COUNT, "loss": NUMBER, "loss_by_subtask": COUNTS,
    "learning_rate": NUMBER, "grad_norm": NUMBER, "tokens": COUNT, "supervised_tokens": COUNT,
    "supervised_share": NUMBER, "seconds": NUMBER, "peak_gb": NUMBER,
})  # fmt: skip

REJECTED: Schema = closed({"step": COUNT, "sentence": TEXT, "counts": COUNTS})

LEFT_OUT: Schema = closed({"id": TEXT, "length": COUNT, "reason": {"enum": ["too-long", "unknown-token"]}})

TRAINED: Schema = {"patternProperties": {r"^peak_gb_rank_[1-9]\d*$": NUMBER}} | closed({
    "rows": COUNT, "left_out": COUNT, "steps": COUNT, "tokens": COUNT, "supervised_tokens": COUNT, "loss_first": NUMBER,
    "loss_last": NUMBER, "seconds": NUMBER, "cpu_seconds": NUMBER, "peak_gb": NUMBER,
})  # fmt: skip

TIMES: Schema = closed({"seconds": {"type": "number", "minimum": 0}})

CHILDREN: Schema = closed({"log": TEXT, "seconds": {"type": "number", "minimum": 0}})

SECONDS: Schema = {"type": ["number", "null"], "minimum": 0}

LATENCY: Schema = closed({"n": COUNT, "median": SECONDS, "p95": SECONDS, "longest": SECONDS})

BEGUN: Schema = closed({
    "model": DIGEST, "items": COUNT, "make": COUNT, "versions": {"type": "object", "additionalProperties": TEXT},
})  # fmt: skip

ASK: Schema = closed({
    "calls": {"type": "array", "items": closed({"name": TEXT, "arguments": {"type": "object"}})},
    "abstain": {"type": ["string", "null"], "pattern": "^(no_tool|missing|no_call|unparsed: [a-z-]+)$"},
    "text": TEXT,
})  # fmt: skip

_CALLS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
        "required": ["name", "arguments"],
    },
}

VERIFY_ROW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "integer"]},
        "tools": {"type": "array", "items": {"type": "object"}},
        "query": {"type": "string"},
        "messages": {"type": "array", "items": {"type": "object"}},
        "candidate": {"type": "string"},
        "reference_calls": {"anyOf": [_CALLS, {"type": "null"}]},
        "admissible": {"anyOf": [{"type": "array", "items": {"type": "array"}, "minItems": 1}, {"type": "null"}]},
    },
    "required": ["id", "tools", "candidate"],
    "anyOf": [{"required": ["query"]}, {"required": ["messages"]}],
}

VERDICT_ROW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "integer", "null"]},
        "verdict": {"enum": ["accepted", "rejected", "unknown"]},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "layer": {"type": "string"},
        "calls": _CALLS,
        "line": {"type": "integer", "minimum": 1},
        "message": {"type": "string"},
    },
    "required": ["id", "verdict", "reasons", "layer", "calls"],
    "additionalProperties": False,
}
