"""Labelled problems from the phrase banks: query, offered tools, gold answer.

What it is: one class that makes the problems of one part (train or held out), kind by kind. What it is not: it
writes no file and runs no tool (`make.py` does both).
"""

from __future__ import annotations

import json
import random
from typing import Any

from bank import Filled, Phrases, Template, fill

SHARES = {"single": 0.40, "choice": 0.20, "parallel": 0.15, "missing": 0.10}
"""The rest is "no_tool"."""
OFFER_CHARACTERS = 1000
"""Compact JSON of all tools of one problem; shown as signatures they are a third of it, and rows have 256 tokens."""
CONFUSABLE = [
    {"maths", "finance", "units", "text"},
    {"cooking", "units", "shopping", "health"},
    {"weather", "dates", "calendar"},
    {"tasks", "messaging", "expenses", "library"},
    {"maps", "countries", "messaging"},
    {"travel", "calendar", "dates", "shopping"},
    {"music", "library"},
]
"""Domains whose tools could be taken for one another: never offered as the tools that cannot do it."""
CASUAL = 0.15

Row = dict[str, Any]


def kind_counts(total: int) -> dict[str, int]:
    """How many problems of each kind a file of `total` rows holds."""
    counts = {kind: round(total * share) for kind, share in SHARES.items()}
    return {**counts, "no_tool": total - sum(counts.values())}


def definition(tool: Row) -> Row:
    """What a model is shown of a tool: no `examples`, at any depth."""
    return {key: _without_examples(tool[key]) for key in ("name", "description", "parameters")}


def _without_examples(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _without_examples(value) for key, value in schema.items() if key != "examples"}
    return [_without_examples(item) for item in schema] if isinstance(schema, list) else schema


class Maker:
    """Problems of one part; queries never repeat, not even between makers that share `taken`."""

    def __init__(
        self, tools: list[Row], bank: dict[str, Phrases], frames: dict[str, list[str]], taken: set[str]
    ) -> None:
        self.tools = {tool["name"]: tool for tool in tools}
        self.shown = {tool["name"]: definition(tool) for tool in tools}
        self.bank, self.frames, self.taken = bank, frames, taken
        self.turns: dict[tuple[str, str], int] = {}

    def make(self, file: str, total: int) -> list[Row]:
        """`total` problems in a fixed shuffled order, named `file-0001` and on."""
        rng = random.Random(f"selfimprove seeds: {file}")
        kinds = [kind for kind, count in kind_counts(total).items() for _ in range(count)]
        rng.shuffle(kinds)
        return [{"id": f"{file}-{number:04d}", **self._problem(kind, rng)} for number, kind in enumerate(kinds, 1)]

    def _problem(self, kind: str, rng: random.Random) -> Row:
        for _ in range(200):
            row = getattr(self, f"_{kind}")(self._next_tool(kind), rng)
            if row is not None and row["query"].lower() not in self.taken:
                self.taken.add(row["query"].lower())
                return {"kind": kind, **row}
        raise RuntimeError(f"the banks are too small for more problems of kind {kind}")

    def _next_tool(self, kind: str) -> str:
        """All tools in turn, for each kind in an order of its own."""
        order = sorted(self.tools)
        random.Random(f"{kind} {len(order)}").shuffle(order)
        turn = self.turns[kind, ""] = self.turns.get((kind, ""), -1) + 1
        return order[turn % len(order)]

    def _next_template(self, name: str, marks: str, rng: random.Random) -> Template | None:
        """A tool's templates in turn, so that none is worn out while another waits."""
        choices = [template for template in self.bank[name].templates if template.mark in marks]
        if not choices:
            return None
        turn = self.turns.setdefault((name, marks), rng.randrange(len(choices)))
        self.turns[name, marks] = turn + 1
        return choices[turn % len(choices)]

    def _request(self, name: str, rng: random.Random) -> Filled:
        template = self._next_template(name, ">&", rng)
        assert template is not None
        if template.mark == ">":
            return fill(template, self.bank[name], rng, rng.random() < CASUAL)
        clause = fill(template, self.bank[name], rng)
        return Filled(_frame(rng.choice(self.frames["frame"]), [clause.text]), clause.arguments, {})

    def _single(self, name: str, rng: random.Random) -> Row:
        request = self._request(name, rng)
        offer = [name, *self._strangers([name], rng, rng.choice([0, 1, 1, 2, 2]))]
        return self._row(request.text, offer, [(name, request.arguments)], rng)

    def _choice(self, name: str, rng: random.Random) -> Row:
        request = self._request(name, rng)
        siblings = [other for other in self.tools if other != name and self._domain(other) == self._domain(name)]
        rng.shuffle(siblings)
        return self._row(request.text, [name, *siblings[:2]], [(name, request.arguments)], rng)

    def _no_tool(self, name: str, rng: random.Random) -> Row:
        request = self._request(name, rng)
        near = list(self.bank[name].near_misses) if rng.random() < 0.5 else []
        rng.shuffle(near)
        near = near[: rng.choice([1, 2])]
        offer = near + self._strangers([name], rng, rng.choice([1, 2]) - len(near) + (not near))
        return self._row(request.text, offer, [], rng, abstain="no_tool")

    def _missing(self, name: str, rng: random.Random) -> Row | None:
        template = self._next_template(name, "?", rng)
        if template is None:
            return None
        request = fill(template, self.bank[name], rng, rng.random() < CASUAL)
        offer = [name, *self._strangers([name], rng, rng.choice([0, 1, 1, 2]))]
        row = self._row(request.text, offer, [], rng, abstain="missing")
        row["answer"]["missing"] = [template.missing]
        return row

    def _parallel(self, name: str, rng: random.Random) -> Row:
        template = self._next_template(name, "P", rng)
        if template is not None and rng.random() < 0.55:
            both = fill(template, self.bank[name], rng, rng.random() < CASUAL)
            text, calls = both.text, [(name, both.arguments), (name, both.second)]
        else:
            text, calls = self._joined(name, rng)
        used = list(dict.fromkeys(call[0] for call in calls))
        return self._row(text, used + self._strangers(used, rng, rng.choice([0, 0, 1])), calls, rng)

    def _joined(self, name: str, rng: random.Random) -> tuple[str, list[tuple[str, Row]]]:
        siblings = [other for other in self.tools if self._domain(other) == self._domain(name)]
        partners = siblings if rng.random() < 0.6 else sorted(self.tools)
        names = [name, rng.choice(partners)]
        kind = "join"
        if rng.random() < 0.2 and self._characters(names) < OFFER_CHARACTERS * 0.7:
            kind, names = "join3", [*names, rng.choice(names)]
        for _ in range(50):
            parts = [fill(self._next_template(each, "&", rng), self.bank[each], rng) for each in names]  # type: ignore[arg-type]
            if not _overlapping([part.arguments for part in parts]):
                break
        text = _frame(rng.choice(self.frames[kind]), [part.text for part in parts])
        return text, [(each, part.arguments) for each, part in zip(names, parts, strict=True)]

    def _strangers(self, names: list[str], rng: random.Random, count: int) -> list[str]:
        """Tools of other domains that nobody would take for the ones named."""
        near = {self._domain(name) for name in names}
        for group in CONFUSABLE:
            if group & {self._domain(name) for name in names}:
                near |= group
        return rng.sample([name for name in sorted(self.tools) if self._domain(name) not in near], max(count, 0))

    def _row(
        self, query: str, offer: list[str], calls: list[tuple[str, Row]], rng: random.Random, abstain: str | None = None
    ) -> Row:
        # The tools that matter come first in `offer`: what does not fit is taken from its end.
        least = max(1, len({name for name, _ in calls}))
        while len(offer) > least and self._characters(offer) > OFFER_CHARACTERS:
            offer = offer[:-1]
        rng.shuffle(offer)
        return {
            "query": query,
            "tools": [self.shown[name] for name in offer],
            "answer": {
                "calls": [{"name": name, "arguments": self._in_schema_order(name, given)} for name, given in calls],
                "abstain": abstain,
                "missing": [],
            },
        }

    def _in_schema_order(self, name: str, given: Row) -> Row:
        return {key: given[key] for key in self.tools[name]["parameters"]["properties"] if key in given}

    def _characters(self, names: list[str]) -> int:
        return sum(len(json.dumps(self.shown[name], separators=(",", ":"))) for name in dict.fromkeys(names))

    def _domain(self, name: str) -> str:
        return str(self.tools[name]["domain"])


def _overlapping(arguments: list[Row]) -> bool:
    """Whether two clauses repeat a call, or contradict each other about one thing ("open it and close it")."""
    if not all(arguments):
        return False
    firsts = [json.dumps(next(iter(each.values()))) for each in arguments]
    return len(set(firsts)) < len(firsts)


def _frame(frame: str, clauses: list[str]) -> str:
    words = frame
    for letter, clause in zip("abc", clauses, strict=False):
        words = words.replace(f"{{{letter}}}", clause).replace(f"{{{letter.upper()}}}", clause[:1].upper() + clause[1:])
    return words
