"""The layers that judge one answer by itself, cheap to dear, and how they are combined: any veto rejects.

    sanitise    no control, hidden or template characters         structure   the text is an answer
    tool        every called tool was offered                     definition  the tools can be used
    arguments   they fit the tool's JSON Schema                   grounding   every value comes from somewhere
    coverage    what the request names is used                    execution   a tool that can run gives what it declares

    judge(case, ("structure", "tool", "arguments")) == Finding or None
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter

from selfimprove.verify.arguments import arguments
from selfimprove.verify.case import Case, Layer
from selfimprove.verify.coverage import coverage
from selfimprove.verify.definition import definition
from selfimprove.verify.execution import execution
from selfimprove.verify.grounding import grounding
from selfimprove.verify.offered import tool
from selfimprove.verify.sanitise import sanitise
from selfimprove.verify.structure import structure

LAYERS: dict[str, Layer] = {
    "sanitise": sanitise, "structure": structure, "tool": tool, "definition": definition, "arguments": arguments,
    "grounding": grounding, "coverage": coverage, "execution": execution,
}  # fmt: skip
RULES = ("sanitise", "structure", "tool", "definition", "arguments", "grounding", "coverage")
"""The layers that are on where nothing else is said: all that need neither a model nor a sandbox."""
NEVER_VETO = ("grounding", "coverage")
"""They pass an answer or leave it unknown."""


@dataclass
class Counts:
    """What each layer did: answers seen, vetoed, left unknown, and its seconds."""

    seen: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)


def judge(case: Case, names: Iterable[str], counts: Counts | None = None) -> tuple[str, str, tuple[str, ...]]:
    """(status, layer, reasons) of an answer. The first veto ends the check; what a layer cannot tell does not, since a later
    one may still veto. Names that are no layers here (agreement, reference, judge) are left to their own places."""
    undecided: tuple[str, str, tuple[str, ...]] | None = None
    for name in names:
        layer = LAYERS.get(name)
        if layer is None or (undecided and name in NEVER_VETO):
            continue
        start = perf_counter() if counts else 0.0
        finding = layer(case)
        if counts:
            counts.seconds[name] += perf_counter() - start  # type: ignore[assignment]
            counts.seen[name] += 1
            if finding:
                (counts.rejected if finding[0] == "rejected" else counts.unknown)[name] += 1
        if finding and finding[0] == "rejected":
            return "rejected", name, finding[1]
        if finding and undecided is None:
            undecided = (finding[0], name, finding[1])
        if case.answer is None and name == "structure":
            break
    return undecided or ("accepted", "", ())
