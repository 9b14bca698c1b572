"""Answers that are known to be right, and the rows made from them. Everything else of the self-test starts here.

    truth = Truth.of(sample)
    truth.row(write(Answer(calls=truth.calls)), referenced=True)        # what `verify_row` takes
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from selfimprove.records import Answer, Call, Sample, Tool, derive_seed
from selfimprove.tools.canonical import key


@dataclass(frozen=True)
class Truth:
    """`calls` is the right answer to `query`; empty where not calling is right, with `declining` as a right text."""

    id: str
    query: str
    tools: tuple[Tool, ...]
    calls: tuple[Call, ...]
    abstention: Answer | None = None

    @classmethod
    def of(cls, sample: Sample) -> Truth:
        assert sample.answer is not None
        return cls(sample.id, sample.query, sample.tools, sample.answer.calls, None if sample.answer.calls else sample.answer)

    def tool(self, name: str) -> Tool:
        return next(tool for tool in self.tools if tool.name == name)

    def row(self, candidate: str, referenced: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": self.id, "tools": [tool.openai() for tool in self.tools], "query": self.query, "candidate": candidate,
        }  # fmt: skip
        if referenced:
            row["reference_calls"] = [call.model_dump(mode="json") for call in self.calls]
        return row

    def rng(self, *names: str) -> random.Random:
        """Draws that depend on the truth and on what is made of it, never on order."""
        return random.Random(derive_seed(self.id, *names))

    def equals(self, calls: Sequence[Call]) -> bool:
        return key(Answer(calls=tuple(calls)), self.tools) == key(Answer(calls=self.calls), self.tools)

    def fits(self, call: Call) -> bool:
        """Whether the arguments fit the schema, by jsonschema itself: the verifier is not asked about its own cases."""
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        return tool is not None and is_valid(call.arguments, tool.parameters)


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    return Draft202012Validator(schema).is_valid(value)


def truths(samples: Iterable[Sample], count: int) -> list[Truth]:
    """At most `count` labelled problems whose calls are called by name and fit their schemas, spread over the kinds."""
    kinds: dict[str, list[Truth]] = {}
    for sample in sorted(samples, key=lambda s: derive_seed("selftest", s.id)):
        if sample.answer is None or len({tool.name for tool in sample.tools}) < len(sample.tools):
            continue
        truth = Truth.of(sample)
        if all(truth.fits(call) for call in truth.calls):
            kinds.setdefault(sample.kind, []).append(truth)
    found: list[Truth] = []
    while len(found) < count and any(kinds.values()):
        found += [kind.pop() for kind in kinds.values() if kind]
    return found[:count]
