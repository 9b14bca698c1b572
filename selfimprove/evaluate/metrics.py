"""Rates with intervals, and how far calls and abstentions agree with what should have been.

    overlaps(items, outputs)                       # F1 of tools called and of arguments given
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from selfimprove.records import AdmissibleCall, Call, Output, Overlap, Rate, SuiteItem, Tool
from selfimprove.tools.admissible import call_mismatch
from selfimprove.tools.suite import Profile

Hits = tuple[int, int, int]
"""(right, wanted, given)."""


def rate_of(outputs: Iterable[Output]) -> Rate:
    found = [o.correct for o in outputs]
    return Rate.of(sum(found), len(found))


def abstain_precision(outputs: Iterable[Output]) -> Rate:
    """Of the answers that decline to call, the share that should; general items ask for no call and say nothing here."""
    declined = [o.truth == "abstain" for o in outputs if o.abstain and o.truth != "general"]
    return Rate.of(sum(declined), len(declined))


def abstain_recall(outputs: Iterable[Output]) -> Rate:
    asked = [o.abstain is not None for o in outputs if o.truth == "abstain"]
    return Rate.of(sum(asked), len(asked))


def overlaps(items: Sequence[SuiteItem], outputs: Sequence[Output], profile: Profile) -> tuple[Overlap, Overlap]:
    """(tools, arguments): F1 over all call items together. An answer that cannot be read gives nothing."""
    tools, arguments = (0, 0, 0), (0, 0, 0)
    for item, output in zip(items, outputs, strict=True):
        if item.admissible is None:
            continue
        nearest = max((_hits(output.calls, wanted, item.tools, profile) for wanted in item.admissible), key=_f1_of_hits)
        tools, arguments = _add(tools, nearest[0]), _add(arguments, nearest[1])
    return _overlap(tools), _overlap(arguments)


def _hits(calls: Sequence[Call], wanted: Sequence[AdmissibleCall], tools: Sequence[Tool], profile: Profile) -> tuple[Hits, Hits]:
    """Of the names, and of the arguments when each wanted call meets a call of its name, the best fitting pair first."""
    by_name = {tool.name: tool for tool in tools}
    names = Counter(c.name for c in calls) & Counter(w.name for w in wanted)
    pairs = sorted(
        (-_right_arguments(c, one, by_name.get(one.name), profile), i, j)
        for i, one in enumerate(wanted) for j, c in enumerate(calls) if c.name == one.name
    )  # fmt: skip
    met: dict[int, tuple[int, int]] = {}
    for score, i, j in pairs:
        if i not in met and j not in {k for k, _ in met.values()}:
            met[i] = (j, -score)
    right = sum(hits for _, hits in met.values())
    asked = sum(
        not v.optional or (i in met and n in calls[met[i][0]].arguments)
        for i, one in enumerate(wanted) for n, v in one.arguments.items()
    )  # fmt: skip
    named = {(one.name, n) for one in wanted for n in one.arguments}
    given = sum(
        (c.name, n) in named or not _is_default(c, n, by_name.get(c.name), profile) for c in calls for n in c.arguments
    )
    return (names.total(), len(wanted), len(calls)), (right, asked, given)


def _is_default(call: Call, name: str, tool: Tool | None, profile: Profile) -> bool:
    """An argument that nobody asked for and that says its default: neither right nor wrong."""
    alone = Call(name=call.name, arguments={name: call.arguments[name]})
    return call_mismatch(alone, AdmissibleCall(name=call.name), tool, profile) is None


def _right_arguments(call: Call, wanted: AdmissibleCall, tool: Tool | None, profile: Profile) -> int:
    """Each argument by itself: that others are then missing is no fault of its value."""
    return sum(
        (found := call_mismatch(
            Call(name=call.name, arguments={name: value}),
            AdmissibleCall(name=call.name, arguments={name: wanted.arguments[name]}), tool, profile,
        )) is None or found.code == "missing-argument"
        for name, value in call.arguments.items()
        if name in wanted.arguments
    )  # fmt: skip


def _f1_of_hits(hits: tuple[Hits, Hits]) -> tuple[float, float]:
    return _overlap(hits[1]).f1, _overlap(hits[0]).f1


def _add(left: Hits, right: Hits) -> Hits:
    return left[0] + right[0], left[1] + right[1], left[2] + right[2]


def _overlap(hits: Hits) -> Overlap:
    right, wanted, given = hits
    return Overlap(
        precision=right / given if given else 0.0, recall=right / wanted if wanted else 0.0,
        f1=2 * right / (wanted + given) if wanted + given else 0.0,
    )  # fmt: skip
