"""Every reason code that a user can meet stands in docs/formats.md: a code without a meaning explains nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
CODE = re.compile(r"[a-z]+(-[a-z]+)*:?")
SOURCES = (
    "chat/parse.py", "subtasks/make.py", "subtasks/request.py", "tools/schema_rules.py", "generate/propose.py",
    "generate/stage.py",
    "verify/sanitise.py", "verify/structure.py", "verify/offered.py", "verify/definition.py", "verify/arguments.py",
    "verify/grounding.py", "verify/execution.py", "verify/judge_sample.py", "verify/row.py", "verify/reading.py",
    "tools/admissible.py",
    "tools/validation.py", "evaluate/score.py", "evaluate/made.py",
)  # fmt: skip
NOT_CODES = {
    "accepted", "rejected", "unknown", "stop", "length", "greedy", "make", "request", "use", "seed", "oracle", "reference",
    "agreement",
    "parallel", "single", "structure", "answers", "proposals", "generate", "right", "correct", "abstain", "name", "and",
    "missing",
    "parameters", "arguments", "required", "function", "object", "array", "string", "integer", "number", "boolean", "null",
    "type",
    "enum", "examples", "user", "system", "messages", "tools", "grounding", "tool", "definition-", "source", "kind",
    "wrong-argument:",
    "extra-argument:", "ungrounded:", "json", "sanitise", "definition", "execution", "said", "date", "time", "words",
    "measure", "code", "items", "result", "pattern", "strict", "verdict", "reasons", "layer", "calls",
    "message", "id",
    "default", "additional", "unique", "properties", "true", "false", "thought", "place",
}  # fmt: skip
"""Plain words of these modules that are no reason; a new word is a code until it is listed here."""


def words(source: str) -> Iterator[str]:
    """Text constants that are returned, passed or collected: not docstrings, subscripts or keys of dictionaries."""
    tree = ast.parse(source)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        elif isinstance(node, ast.Subscript):
            left_out.add(id(node.slice))
        elif isinstance(node, ast.Dict):
            left_out |= {id(key) for key in node.keys}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "partition",
        "split"):
            left_out |= {id(argument) for argument in node.args}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value,
        str) and id(node) not in left_out and CODE.fullmatch(node.value):
            yield node.value


def described(code: str) -> bool:
    """A code stands in the document by itself, with the name that it carries, or as a rule of definitions."""
    rule = code.removeprefix("definition-")
    return any(f"`{shown}" in FORMATS for shown in (f"{code}`", f"{code.rstrip(':')}:", f"{rule}`"))


@pytest.mark.parametrize("file", SOURCES)
def test_every_reason_code_in_the_code_has_a_line_in_the_document(file: str) -> None:
    found = set(words((ROOT / "selfimprove" / file).read_text(encoding="utf-8"))) - NOT_CODES
    assert {code for code in found if not described(code)} == set()


def test_the_search_finds_codes_of_every_sort() -> None:
    found = {word for file in SOURCES for word in words((ROOT / "selfimprove" / file).read_text(encoding="utf-8"))}
    assert found >= {"unclosed-call", "leaks-name", "bad-ref", "prompt-too-long", "unknown-missing", "no-majority", "wrong-value",
                     "undescribed", "empty", "prose"}  # fmt: skip


@pytest.mark.parametrize("code", ["wrong-argument:PATH", "extra-argument:NAME", "ungrounded:NAME", "definition-RULE"])
def test_codes_that_carry_a_name_are_described_too(code: str) -> None:
    assert f"`{code}`" in FORMATS
