"""Suites: fixed items that models are measured on, read from JSON Lines in the suite format or as labelled problems.

    suite = read_suite(Path("mine.jsonl"))          # DataError names file and line
    item_of(sample)                                  # a labelled problem as an item

Where a suite that was registered lies: `selfimprove.tools.registry`. What it is not: the scoring (`selfimprove.evaluate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from selfimprove.errors import DataError
from selfimprove.records import AdmissibleCall, Call, Message, Sample, SuiteItem, Tool, Values, digest
from selfimprove.store.jsonl import complaint, read_numbered
from selfimprove.tools.canonical import is_default
from selfimprove.tools.schema_rules import problems
from selfimprove.tools.subschema import NAMES, properties, resolve

Profile = Literal["strict", "bfcl-like"]
"""How values are compared: exactly, or as BFCL does (case, spaces and some punctuation of texts ignored)."""
REFUSED = {
    "not-object": "its parameters must be a JSON Schema of type object",
    "too-deep": "its parameters are nested too deeply",
    "too-large": "its definition is too large for a prompt",
    "remote-ref": "it refers to a schema on the network, which is never fetched",
    "bad-ref": "it refers to a part of its schema that is not there",
    "no-schema": "its parameters are no valid JSON Schema",
}
"""Rules of a definition that an item needs; names and descriptions of other people's suites are taken as they are."""


@dataclass(frozen=True)
class Suite:
    name: str
    items: tuple[SuiteItem, ...]
    profile: Profile = "strict"
    version: str = ""
    """What its makers call it, such as "BFCL v4, bfcl-eval 2026.3.23"; empty when they call it nothing."""

    @property
    def digest(self) -> str:
        """Identity of its items, whatever file they came from. A key that a later version adds changes nothing."""
        return digest([self.profile, sorted(digest(i.model_dump(mode="json", exclude_defaults=True)) for i in self.items)])

    def only(self, categories: list[str]) -> Suite:
        """The items of some categories; `simple` stands for `simple_python` too where no category has that very name."""
        known = sorted({item.category for item in self.items})
        wanted: set[str] = set()
        for word in categories:
            found = [word] if word in known else [c for c in known if c.startswith(f"{word}_")]
            if not found:
                raise DataError(f"suite {self.name} has no category {word!r}; its categories: {', '.join(known)}")
            wanted |= set(found)
        return Suite(self.name, tuple(i for i in self.items if i.category in wanted), self.profile, self.version)


def read_suite(path: Path, name: str = "", profile: Profile = "strict", version: str = "", *, checked: bool = False) -> Suite:
    """Raises DataError naming file and line for anything that is no item, and for an id that stands twice.

    Definitions of a file that was `checked` when it was written are not checked again: that takes a minute for 10,000 tools.
    """
    items: list[SuiteItem] = []
    lines: dict[str, int] = {}
    for number, value in read_numbered(path):
        item = _item(path, number, value, checked)
        if item.id in lines:
            raise DataError(f"{path}, line {number}: id {item.id} stands on line {lines[item.id]} already; make ids unique")
        lines[item.id] = number
        items.append(item)
    return Suite(name or path.stem, tuple(items), profile, version)


def _item(path: Path, number: int, value: Any, checked: bool) -> SuiteItem:
    labelled = isinstance(value, dict) and "query" in value
    try:
        item = item_of(Sample.model_validate(value)) if labelled else SuiteItem.model_validate(value)
    except ValidationError as error:
        raise DataError(f"{path}, line {number}: {complaint(error)}") from None
    except DataError as error:
        raise DataError(f"{path}, line {number}: {error}") from None
    if not checked and (why := unusable(item)):
        raise DataError(f"{path}, line {number}: {why}")
    return item


def unusable(item: SuiteItem, *, schemas: bool = True) -> str:
    """Why nothing could be measured with an item, in words; empty when it can. `schemas`: check definitions and values too."""
    for tool in item.tools:
        if unknown := unknown_type(tool.parameters):
            kind, where = unknown
            return f"tool {tool.name}: the type of {where} is {kind!r}, which JSON Schema does not know; use one of {_types()}"
        if schemas and (rule := _broken_rule(tool.model_dump_json())):
            return f"tool {tool.name}: {REFUSED[rule]}"
    offered = [tool.name for tool in item.tools]
    if twice := [name for name in offered if offered.count(name) > 1]:
        return f"offers two tools named {twice[0]}; offer one"
    called = {call.name for answer in item.admissible or () for call in answer}
    if absent := sorted(called - set(offered)):
        return f"calls {absent[0]}, which is not among its tools, so that no answer could be right"
    for call in (call for answer in item.admissible or () for call in answer if schemas):
        if none := [name for name, right in call.arguments.items() if not right.values and not right.optional]:
            return f"nothing is admissible for the argument {none[0]} of {call.name}: give its `values`, or make it `optional`"
    if item.any_call and not offered:
        return "wants a call and offers no tool"
    known = {name for tool in item.tools for name in tool.properties}
    if strange := [name for name in item.missing if name not in known]:
        return f"`missing` names {strange[0]}, which is a parameter of none of its tools, so that no answer could name it"
    return ""


@lru_cache(maxsize=8192)
def _broken_rule(definition: str) -> str:
    """Checking a schema takes some 15 ms, and a benchmark offers the same tools again and again."""
    return next((p for p in problems(Tool.model_validate_json(definition)) if p in REFUSED), "")


def _types() -> str:
    return ", ".join(sorted(NAMES))


def unknown_type(schema: Any, where: str = "the parameters") -> tuple[str, str] | None:
    """The first type name that JSON Schema does not know and the parameter that has it; walks without recursion."""
    level: list[tuple[Any, str]] = [(schema, where)]
    for _ in range(64):
        below: list[tuple[Any, str]] = []
        for item, name in level:
            if not isinstance(item, dict):
                continue
            named = item.get("type", [])
            for kind in named if isinstance(named, list) else [named]:
                if not isinstance(kind, str) or kind not in NAMES:
                    return str(kind)[:40], name
            inner = item.get("properties")
            below += [(s, f"parameter {n}") for n, s in inner.items()] if isinstance(inner, dict) else []
            below += [(item[key], name) for key in ("items", "additionalProperties") if key in item]
            below += [(s, name) for key in ("anyOf", "oneOf", "allOf") for s in item.get(key) or () if isinstance(s, dict)]
        level = below
    return None


def item_of(sample: Sample) -> SuiteItem:
    """A labelled problem as an item. Raises DataError for one without an answer."""
    answer = sample.answer
    if answer is None or not (answer.calls or answer.abstain):
        raise DataError(f"problem {sample.id} has no answer, so nothing can be measured with it")
    tools = {tool.name: tool for tool in sample.tools}
    return SuiteItem(
        id=sample.id, category=sample.kind, messages=(Message(role="user", content=sample.query),), tools=sample.tools,
        admissible=(tuple(_admissible(call, tools.get(call.name)) for call in answer.calls),) if answer.calls else None,
        abstain=None if answer.calls else answer.abstain, missing=() if answer.calls else answer.missing,
    )  # fmt: skip


def _admissible(call: Call, tool: Tool | None) -> AdmissibleCall:
    root = tool.parameters if tool else {}
    schemas = properties(root)
    return AdmissibleCall(name=call.name, arguments={
        name: Values(values=(value,), optional=is_default(value, resolve(schemas.get(name), root), root))
        for name, value in call.arguments.items()
    })  # fmt: skip


def identity(tool: Tool) -> tuple[str, ...]:
    """What makes it the same tool in other words: its name, without case and punctuation, and its parameters' names."""
    return ("".join(c for c in tool.name.casefold() if c.isalnum()), *sorted(n.casefold() for n in tool.properties))


def shared_with(suite: Suite, texts: Mapping[str, str], tools: Iterable[Tool], most: int = 10) -> str:
    """What a suite has in common with training data, as a list in words; empty when there is nothing.

    `texts` is query -> where it stands, `tools` the tools that training shows.
    """
    known = {plain(text): where for text, where in texts.items()}
    queries = [f"{i.id} ({known[plain(i.query)]})" for i in suite.items if plain(i.query) in known]
    trained = {identity(tool) for tool in tools}
    offering = {t.name: i.id for i in reversed(suite.items) for t in i.tools if identity(t) in trained}
    shared = [f"{name} (first in {offering[name]})" for name in sorted(offering)]
    found = [
        f"{len(rows)} {what} of suite {suite.name} stand in training data too: {', '.join(rows[:most])}"
        + (f" and {len(rows) - most} more" if len(rows) > most else "")
        for what, rows in (("queries", queries), ("tools", shared))
        if rows
    ]
    return "; ".join(found)


def plain(text: str) -> str:
    """A query as it is compared: case and white space do not make it another one."""
    return " ".join(text.casefold().split())
