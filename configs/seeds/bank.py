"""The phrase banks: how people ask for a tool, read from `phrases/*/*.txt`.

What it is: a reader of the bank files and the filling of their templates. It chooses nothing: the
callers bring a seeded random generator.

A bank file has one section for each tool, `[*]` holds slots shared by the file's tools:

    [get_forecast]
    city = Oslo | Lima                      the values of a slot; `2 mugs => [{...}]` writes a value in other words
    > Will it rain in {city}?               a whole request
    & check the sky in {city}               an imperative clause, to be framed or joined (frames.txt)
    P How is it in {city} and in {city2}?   two calls of this tool; an unnumbered slot without its 2 is shared
    ? city: Will it rain?                   a request that lacks the required `city`
    ! get_sun_times                         tools beside it that clearly cannot do the job

`;; key=json` after a template fixes an argument; `;; only=a,b` keeps a slot to these values.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOT = re.compile(r"\{(\w+?)(2?)\}")
ARTICLE = re.compile(r"\b([Aa]) (?=\{(\w+?)(2?)\})")


@dataclass(frozen=True)
class Value:
    """A slot's value and the words for it."""

    text: str
    value: Any


@dataclass(frozen=True)
class Template:
    """One line of a bank; `mark` is its first character."""

    mark: str
    text: str
    fixed: dict[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    missing: str | None = None

    @property
    def slots(self) -> list[tuple[str, str]]:
        """(name, "" or "2") of each slot, in order."""
        return SLOT.findall(self.text)


@dataclass
class Phrases:
    """All lines of one tool."""

    tool: str
    domain: str
    case_sensitive: bool = False
    slots: dict[str, list[Value]] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=list)
    near_misses: list[str] = field(default_factory=list)

    def marked(self, mark: str) -> list[Template]:
        return [template for template in self.templates if template.mark == mark]


@dataclass(frozen=True)
class Filled:
    """A template with values: the words, and the arguments of the first and (for `P`) the second call."""

    text: str
    arguments: dict[str, Any]
    second: dict[str, Any]


def parse_value(written: str) -> Value:
    text, arrow, value = written.partition(" => ")
    if arrow:
        return Value(text.strip(), json.loads(value))
    text = text.strip()
    try:
        parsed = json.loads(text)
    except ValueError:
        return Value(text, text)
    return Value(_list_text(parsed), parsed) if isinstance(parsed, list) else Value(text, parsed)


def _list_text(items: list[Any]) -> str:
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def parse_template(line: str) -> Template:
    mark, rest = line[0], line[1:].strip()
    missing = None
    if mark == "?":
        missing, rest = (part.strip() for part in rest.split(":", 1))
    text, *notes = rest.split(" ;; ")
    fixed: dict[str, Any] = {}
    only: tuple[str, ...] = ()
    for note in notes:
        key, _, value = note.strip().partition("=")
        if key == "only":
            only = tuple(value.split(","))
        else:
            fixed[key] = json.loads(value)
    return Template(mark, text.strip(), fixed, only, missing)


def read_bank(path: Path) -> dict[str, Phrases]:
    """Phrases by section name, in the file's order."""
    shared = Phrases("*", path.stem)
    bank: dict[str, Phrases] = {}
    current = shared
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            if name != "*":
                current = bank[name] = Phrases(name, path.stem, shared.case_sensitive, dict(shared.slots))
        elif line == "case_sensitive":
            current.case_sensitive = True
        elif line[0] in ">&P?" and line[1] == " ":
            current.templates.append(parse_template(line))
        elif line[0] == "!":
            current.near_misses = [name.strip() for name in line[1:].split(",")]
        else:
            name, _, values = line.partition(" = ")
            current.slots[name] = [parse_value(value) for value in values.split(" | ")]
    return bank


def read_part(folder: Path) -> dict[str, Phrases]:
    """All banks of a part, by tool name."""
    banks = [read_bank(path) for path in sorted(folder.glob("*.txt"))]
    return {name: phrases for bank in banks for name, phrases in bank.items()}


def read_frames(path: Path) -> dict[str, dict[str, list[str]]]:
    """part -> "frame" | "join" | "join3" -> the frames."""
    sections = read_bank(path)
    return {
        part: {kind: [value.text for value in values] for kind, values in section.slots.items()}
        for part, section in sections.items()
    }


def fill(template: Template, phrases: Phrases, rng: random.Random, casual: bool = False) -> Filled:
    """Draw the slots; texts of one request differ from one another. `casual` writes lower case without a full stop."""
    drawn: dict[tuple[str, str], Value] = {}
    for name, number in template.slots:
        if (name, number) not in drawn:
            taken = {value.text for value in drawn.values()}
            pool = [value for value in phrases.slots[name] if value.text not in taken]
            kept = [value for value in pool if value.text in template.only]
            drawn[name, number] = rng.choice(kept or pool)
    words = template.text
    if casual and not phrases.case_sensitive:
        words = _lower_outside_slots(words).rstrip(".?!")
    words = ARTICLE.sub(lambda slot: _article(slot.group(1), drawn[slot.group(2), slot.group(3)].text), words)
    text = SLOT.sub(lambda slot: drawn[slot.group(1), slot.group(2)].text, words)
    first = {name: value.value for (name, number), value in drawn.items() if not number}
    second = {**first, **{name: value.value for (name, number), value in drawn.items() if number}}
    return Filled(text, {**first, **template.fixed}, {**second, **template.fixed})


def _article(article: str, text: str) -> str:
    spoken_vowel = re.match(r"[aeio]|8|(11|18)\b", text, re.IGNORECASE)
    return f"{article}n " if spoken_vowel else f"{article} "


def _lower_outside_slots(words: str) -> str:
    # Values keep their case: gold has to be what the text says.
    return "".join(part if part.startswith("{") else part.lower() for part in re.split(r"(\{\w+\})", words))
