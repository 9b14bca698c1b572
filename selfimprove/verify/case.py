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
from selfimprove.records.base import maker
from selfimprove.tools.conversation import Conversation
from selfimprove.tools.validation import SMALL, Checker, checker_of

Finding = tuple[Literal["rejected", "unknown"], tuple[str, ...]]
"""Why an answer did not pass a layer: a veto, or something that the layer cannot tell; and the reason codes."""


_made = maker(Tool)


class Offered(Mapping[str, Tool]):
    """Definitions by name, as records or as they were read. What is made of them is made once, of the few that are called."""

    def __init__(self, definitions: Mapping[str, Tool | dict[str, Any]]) -> None:
        self.definitions = definitions
        self._tools: dict[str, Tool] = {}
        self._checkers: dict[str, Checker] = {}
        self.flaws: frozenset[str] | None = None
        """Why tools that a model made cannot be used, once that was asked."""

    def __getitem__(self, name: str) -> Tool:
        found = self._tools.get(name)
        if found is None:
            one = self.definitions[name]
            if isinstance(one, dict):
                parameters, description = self.schema(name)
                one = _made({"name": name, "description": description, "parameters": parameters})
            found = self._tools[name] = one
        return found

    def schema(self, name: str) -> tuple[dict[str, Any], str]:
        """A tool's parameters and description: all that most answers need of it, and no record."""
        one = self.definitions[name]
        if not isinstance(one, dict):
            return one.parameters, one.description
        said, parameters = one.get("description"), one.get("parameters")
        return {"type": "object", "properties": {}} if parameters is None else parameters, said if isinstance(said, str) else ""

    def checker(self, name: str) -> Checker:
        """What checks a tool's arguments. Raises Uncheckable."""
        found = self._checkers.get(name)
        if found is None:
            found = self._checkers[name] = checker_of(self.schema(name)[0])
        return found

    def key(self, name: str) -> Checker | None:
        """What stands for the content of a tool's parameters, where its arguments have been checked: equal for equal ones."""
        found = self._checkers.get(name)
        return found if found and len(found.key) <= SMALL else None

    def __contains__(self, name: object) -> bool:
        return name in self.definitions

    def __iter__(self) -> Iterator[str]:
        return iter(self.definitions)

    def __len__(self) -> int:
        return len(self.definitions)


class Case(NamedTuple):
    """One answer to judge. `answer` is None when the text could not be parsed; `problem` is the parser's code then."""

    answer: Answer | None
    problem: str | None
    tools: Offered
    text: str
    """What the user and the others said."""
    request: str = ""
    """The one request that is answered, where that is all that was said."""
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

    def with_answer(self, attempt: Attempt) -> Case:
        return self._replace(answer=attempt.answer, problem=attempt.problem)


Runnable = Mapping[str, tuple[Tool, Path]]
"""Tool name -> its definition in the pool and the file that runs it."""
Layer = Callable[[Case], Finding | None]
"""A layer passes an answer with None."""


@lru_cache(maxsize=8)
def _said(text: str) -> Conversation:
    return Conversation(text)


def of_attempt(sample: Sample, attempt: Attempt, runnable: Runnable = MappingProxyType({})) -> Case:
    return of_sample(sample, runnable).with_answer(attempt)


def of_sample(sample: Sample, runnable: Runnable = MappingProxyType({})) -> Case:
    """What all attempts at a problem share."""
    tools, repeated = by_name(sample.tools)
    # A made tool may bear a pool tool's name: what runs must be what was offered.
    modules = {name: runnable[name][1] for name, tool in tools.items() if name in runnable and runnable[name][0] == tool}
    return Case(
        answer=None, problem=None, tools=Offered(tools), repeated=repeated, text=sample.query,
        request=sample.query, made=sample.source == "make", voted=True, modules=modules,
    )  # fmt: skip


def by_name(tools: Iterable[Tool]) -> tuple[dict[str, Tool], frozenset[str]]:
    """Tools by name, and the names that two different definitions have."""
    found: dict[str, Tool] = {}
    repeated = set()
    for tool in tools:
        if found.setdefault(tool.name, tool) != tool:
            repeated.add(tool.name)
    return found, frozenset(repeated)
