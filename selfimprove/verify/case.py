"""What a layer sees: one answer, the tools that were offered, and what was said.

    case = of_attempt(sample, attempt)
    case.said.has("oslo"), case.tools["get_weather"].parameters
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from selfimprove.records import Answer, Attempt, Sample, Tool
from selfimprove.tools.conversation import Conversation
from selfimprove.tools.validation import Checker, checker_of

Finding = tuple[Literal["rejected", "unknown"], tuple[str, ...]]
"""Why an answer did not pass a layer: a veto, or something that the layer cannot tell; and the reason codes."""


class Case(NamedTuple):
    """One answer to judge. `answer` is None when the text could not be parsed; `problem` is the parser's code then."""

    answer: Answer | None
    problem: str | None
    tools: Mapping[str, Tool]
    text: str
    """What the user and the others said."""
    repeated: frozenset[str] = frozenset()
    """Names that two different definitions have."""
    made: bool = False
    """A model made the tools: their definitions are judged too."""
    voted: bool = False
    """A vote follows, which decides about answers without a call."""
    modules: Mapping[str, Path] = MappingProxyType({})
    """Tool name -> the Python file that runs it."""
    outputs: Mapping[str, Any] = MappingProxyType({})
    """Tool name -> JSON Schema of its result, where one is declared."""

    @property
    def said(self) -> Conversation:
        return _said(self.text)

    def checker(self, name: str) -> Checker:
        """What checks the arguments of an offered tool. Raises Uncheckable."""
        return self.tools.checker(name) if isinstance(self.tools, Offered) else checker_of(self.tools[name].parameters)


Runnable = Mapping[str, tuple[Tool, Path]]
"""Tool name -> its definition in the pool and the file that runs it."""
Layer = Callable[[Case], Finding | None]
"""A layer passes an answer with None."""


@lru_cache(maxsize=64)
def _said(text: str) -> Conversation:
    return Conversation(text)


def of_attempt(sample: Sample, attempt: Attempt, runnable: Runnable = MappingProxyType({})) -> Case:
    tools, repeated = by_name(sample.tools)
    # A made tool may bear a pool tool's name: what runs must be what was offered.
    modules = {name: runnable[name][1] for name, tool in tools.items() if name in runnable and runnable[name][0] == tool}
    return Case(
        answer=attempt.answer, problem=attempt.problem, tools=tools, repeated=repeated, text=sample.query,
        made=sample.source == "make", voted=True, modules=modules,
    )  # fmt: skip


class Offered(Mapping[str, Tool]):
    """Definitions as they were read, by name. A record is made of the few that are called."""

    def __init__(self, definitions: dict[str, dict[str, Any]]) -> None:
        self.definitions = definitions
        self.made: dict[str, Tool] = {}
        self.checkers: dict[str, Checker] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.definitions

    def __getitem__(self, name: str) -> Tool:
        if name not in self.made:
            said = self.definitions[name].get("description")
            self.made[name] = Tool.model_construct(
                name=name, description=said if isinstance(said, str) else "", parameters=self.parameters(name)
            )
        return self.made[name]

    def parameters(self, name: str) -> dict[str, Any]:
        found = self.definitions[name].get("parameters")
        return {"type": "object", "properties": {}} if found is None else found

    def checker(self, name: str) -> Checker:
        """Found once for all layers. Raises Uncheckable."""
        found = self.checkers.get(name)
        if found is None:
            found = self.checkers[name] = checker_of(self.parameters(name))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.definitions)

    def __len__(self) -> int:
        return len(self.definitions)


def by_name(tools: Iterable[Tool]) -> tuple[dict[str, Tool], frozenset[str]]:
    """Tools by name, and the names that two different definitions have."""
    found: dict[str, Tool] = {}
    repeated = set()
    for tool in tools:
        if found.setdefault(tool.name, tool) != tool:
            repeated.add(tool.name)
    return found, frozenset(repeated)
