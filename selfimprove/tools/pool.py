"""A catalogue of tools read from JSON Lines: one definition a line, checked, with the line named when one is wrong.

    pool = read_pool(Path("configs/seeds/tools.jsonl"), part="train")
    pool.siblings("get_weather")

Optional keys beside the definition: `domain` (tools of one domain are each other's hard distractors), `module` (a Python
file whose function of that name runs the call, in the sandbox), `part` (the project's own seeds keep held-out tools in the
same file).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from selfimprove.errors import DataError
from selfimprove.records import Sample, Tool
from selfimprove.store.jsonl import complaint, read, read_numbered
from selfimprove.tools.schema_rules import problems

EXPLAINED = {
    "name": "its name must be a letter followed by letters, digits, _ . or - (64 at most)",
    "no-schema": "its parameters are no valid JSON Schema",
    "not-object": "its parameters must be a JSON Schema of type object",
    "too-deep": "its parameters are nested too deeply",
    "too-large": "its definition is too large for a prompt",
    "required-unknown": "it requires a parameter that it does not describe",
    "remote-ref": "it refers to a schema on the network, which is never fetched",
    "bad-ref": "it refers to a part of its schema that is not there",
}


@dataclass(frozen=True)
class Entry:
    tool: Tool
    domain: str
    module: str | None


@dataclass(frozen=True)
class Pool:
    entries: dict[str, Entry]
    """By tool name, in the order of the file."""

    def siblings(self, name: str) -> list[Tool]:
        """The other tools of a tool's domain: what it is most easily confused with."""
        domain = self.entries[name].domain
        return [e.tool for n, e in self.entries.items() if n != name and e.domain == domain]

    def others(self, name: str) -> list[Tool]:
        """Tools of other domains."""
        domain = self.entries[name].domain
        return [e.tool for e in self.entries.values() if e.domain != domain]


def read_pool(path: Path, part: str | None = None) -> Pool:
    """Raises DataError naming file and line for a definition that cannot be used or a name that stands twice."""
    entries: dict[str, Entry] = {}
    lines: dict[str, int] = {}
    for number, value in read_numbered(path):
        if part and isinstance(value, dict) and value.get("part", part) != part:
            continue
        tool = _tool(path, number, value)
        if tool.name in entries:
            raise DataError(f"{path}, line {number}: tool {tool.name} stands on line {lines[tool.name]} already; rename one")
        entries[tool.name] = Entry(tool, str(value.get("domain") or tool.name), value.get("module"))
        lines[tool.name] = number
    return Pool(entries)


def _tool(path: Path, number: int, value: Any) -> Tool:
    try:
        tool = Tool.model_validate(value)
    except ValidationError as error:
        raise DataError(f"{path}, line {number}: is no tool definition: {complaint(error)}") from None
    found = problems(tool)
    if found:
        raise DataError(f"{path}, line {number}: tool {tool.name[:64]}: {EXPLAINED[found[0]]}")
    return tool


def check_modules(pool: Pool, folder: Path) -> None:
    """Raises DataError naming tool and file when a tool's module is not there: its calls could never run."""
    for name, entry in pool.entries.items():
        if entry.module and not (file := folder / str(entry.module)).is_file():
            raise DataError(
                f"{file}: is the module of tool {name} and is not there; correct the tool's `module` or data.tool_modules"
            )


def modules_of(pool: Pool, folder: Path) -> dict[str, Path]:
    """Tool name -> the file that runs it. Raises DataError when one is not there."""
    check_modules(pool, folder)
    return {name: folder / entry.module for name, entry in pool.entries.items() if entry.module}


def read_samples(path: Path) -> list[Sample]:
    """Labelled problems. Raises DataError naming file and line, for duplicate ids too."""
    samples = read(path, Sample)
    seen: dict[str, int] = {}
    for number, sample in enumerate(samples, 1):
        if sample.id in seen:
            raise DataError(f"{path}: id {sample.id} stands twice (rows {seen[sample.id]} and {number}); make ids unique")
        seen[sample.id] = number
    return samples
