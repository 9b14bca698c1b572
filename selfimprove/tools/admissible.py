"""Calls against what is admissible: the scorer of suites, and the verifier where a right answer is known.

    right = [AdmissibleCall.model_validate({"name": "weather", "arguments": {"city": {"values": ["New York", "NYC"]},
                                                                             "days": {"values": [3], "optional": True}}})]
    match([Call(name="weather", arguments={"city": "NYC"})], [right], tools) is None

`admissible` is a list of alternatives, each a whole answer; an empty one says that not calling is right. The calls of an
answer may come in any order, and each counts as often as it occurs. Profiles: see `canonical.py`; `bfcl-like` decides by
BFCL's own rules (`bfcl.py`). What this is not: a check of calls against the tools' schemas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from selfimprove.records import AdmissibleCall, Call, Tool, Values
from selfimprove.tools import bfcl
from selfimprove.tools.canonical import Profile, canonical_value, is_default, is_nothing, is_same
from selfimprove.tools.subschema import properties, resolve, types


@dataclass(frozen=True)
class Mismatch:
    """Why calls are not admissible: the code, the argument that it is about (or ""), and one sentence."""

    code: str
    """should-call, should-abstain, wrong-count, wrong-tool, missing-argument, extra-argument, wrong-value."""
    argument: str = ""
    text: str = ""

    @property
    def reason(self) -> str:
        """The code with the argument's name, as it stands in files."""
        return f"{self.code}:{self.argument}"[:80] if self.argument else self.code


class _Rules(NamedTuple):
    """How the values of one call are compared: by its tool's schema, a profile, and whether lists are just lists."""

    root: dict[str, Any]
    profile: Profile
    literal: bool = False


def match(
    calls: Sequence[Call],
    admissible: Sequence[Sequence[AdmissibleCall]],
    tools: Iterable[Tool],
    profile: Profile = "training",
    *,
    literal: bool = False,
) -> Mismatch | None:
    """None when the calls are one of the admissible answers, else how they differ from the nearest.

    `literal` values have no alternatives inside: what `from_calls` makes of reference calls. Raises ValueError for an empty
    `admissible`: nothing could match it.
    """
    if not admissible:
        raise ValueError("no answer is admissible: give at least one, `[]` where not calling is right")
    by_name = {tool.name: tool for tool in tools}
    nearest: Mismatch | None = None
    for wanted in admissible:
        found = _differs(calls, wanted, by_name, profile, literal)
        if found is None:
            return None
        if nearest is None or _RANK[found.code] > _RANK[nearest.code]:
            nearest = found
    return nearest


def from_calls(calls: Sequence[Call], profile: Profile = "training") -> list[AdmissibleCall]:
    """Reference calls as the one admissible answer, to be matched as `literal`."""
    return [
        AdmissibleCall(name=c.name, arguments={n: Values(values=(_literal(v, profile),)) for n, v in c.arguments.items()})
        for c in calls
    ]


def _literal(value: Any, profile: Profile) -> Any:
    """BFCL reads lists inside a dictionary as alternatives: each value of a reference is its own only one."""
    if profile == "bfcl-like" and isinstance(value, dict):
        return {n: {"values": [v], "optional": False} for n, v in value.items()}
    return [_literal(v, profile) for v in value] if profile == "bfcl-like" and isinstance(value, list) else value


_SCALARS = (str, int, bool, type(None))
_RANK = {
    "should-abstain": 0, "should-call": 0, "wrong-count": 1, "wrong-tool": 2, "missing-argument": 3, "extra-argument": 3,
    "wrong-value": 4,
}  # fmt: skip
"""How near a mismatch is: the last that an answer reaches is the one that says most."""


def _differs(
    calls: Sequence[Call], wanted: Sequence[AdmissibleCall], tools: dict[str, Tool], profile: Profile, literal: bool
) -> Mismatch | None:
    if not calls or not wanted:
        if not calls and not wanted:
            return None
        return Mismatch("should-call", "", "calls no tool where a call is right") if wanted else Mismatch(
            "should-abstain", "", "calls a tool where not calling is right")  # fmt: skip
    if len(calls) != len(wanted):
        return Mismatch("wrong-count", "", f"makes {len(calls)} calls instead of {len(wanted)}")
    if len(calls) == 1 and calls[0].name == wanted[0].name:
        return call_mismatch(calls[0], wanted[0], tools.get(wanted[0].name), profile, literal)
    if sorted([w.name for w in wanted]) != sorted([c.name for c in calls]):
        missing = Counter(w.name for w in wanted) - Counter(c.name for c in calls)
        return Mismatch("wrong-tool", "", f"does not call {_shown(next(iter(missing)))} as often as is right")
    return _unmatched(calls, wanted, tools, profile, literal)


def _unmatched(
    calls: Sequence[Call], wanted: Sequence[AdmissibleCall], tools: dict[str, Tool], profile: Profile, literal: bool
) -> Mismatch | None:
    """Pairs every wanted call with one of the calls (augmenting paths, Kuhn 1955); None when all find one."""
    known: dict[tuple[int, int], Mismatch | None] = {}

    def fits(w: int, c: int) -> bool:
        if calls[c].name != wanted[w].name:
            return False
        if (w, c) not in known:
            known[w, c] = call_mismatch(calls[c], wanted[w], tools.get(wanted[w].name), profile, literal)
        return known[w, c] is None

    if all(map(fits, range(len(wanted)), range(len(calls)))):
        return None  # in the order in which they are written, as nearly all right answers are
    taken: dict[int, int] = {}
    for start in range(len(wanted)):
        came_from: dict[int, int] = {}
        waiting, free = [start], None
        while waiting and free is None:
            w = waiting.pop()
            for c in range(len(calls)):
                if c not in came_from and fits(w, c):
                    came_from[c] = w
                    if c not in taken:
                        free = c
                        break
                    waiting.append(taken[c])
        if free is None:
            found = [known[start, c] for c in range(len(calls)) if known.get((start, c))]
            return next((m for m in found if m), Mismatch("wrong-count", "", f"calls {_shown(wanted[start].name)} too often"))
        previous = {w: c for c, w in taken.items()}
        step: int | None = free
        while step is not None:
            w = came_from[step]
            taken[step], step = w, previous.get(w)
    return None


def call_mismatch(
    call: Call, wanted: AdmissibleCall, tool: Tool | None, profile: Profile = "training", literal: bool = False
) -> Mismatch | None:
    """How one call differs from one admissible call of the same tool."""
    rules = _Rules(tool.parameters if tool else {}, profile, literal)
    schemas = properties(rules.root)
    for name, value in call.arguments.items():
        schema = resolve(schemas.get(name), rules.root)
        right = wanted.arguments.get(name)
        if right is None:
            nothing = value is None and is_nothing(name, rules.root, rules.root)
            if profile == "bfcl-like" or not (nothing or is_default(value, schema, rules.root, rules.profile)):
                return Mismatch("extra-argument", name, f"gives {_shown(name)}, which the right call does not have")
        elif not _accepts(value, right, schema, rules):
            return Mismatch("wrong-value", name, f"gives {_shown(name)} the value {_shown(value)}")
    if tool and profile == "bfcl-like":
        # BFCL asks the tool as well as the answer, which differ in a few of its items.
        for name in call.arguments:
            if name not in schemas:
                return Mismatch("extra-argument", name, f"gives {_shown(name)}, which the tool does not have")
        for name in tool.required:
            if name not in call.arguments:
                return Mismatch("missing-argument", name, f"leaves out {_shown(name)}")
    for name, right in wanted.arguments.items():
        if name in call.arguments or right.optional:
            continue
        # A default of what has to be given is not taken by anyone.
        required = tool is not None and name in tool.required
        if not required and _may_be_left_out(right, schemas.get(name), rules):
            continue
        if profile == "bfcl-like" or None not in right.values or not is_nothing(name, rules.root, rules.root):
            return Mismatch("missing-argument", name, f"leaves out {_shown(name)}")
    return None


def _accepts(value: Any, right: Values, schema: dict[str, Any], rules: _Rules) -> bool:
    if rules.profile == "bfcl-like":
        values = (*right.values, "") if right.optional and "" not in right.values else right.values
        return bfcl.accepts(value, values, schema)
    if type(value) in _SCALARS and any(type(one) is type(value) and one == value for one in right.values):
        return True
    if right.optional and is_default(value, schema, rules.root, rules.profile):
        return True
    return any(_is(value, one, schema, rules) for one in right.values)


def _may_be_left_out(right: Values, schema: Any, rules: _Rules) -> bool:
    if right.optional or (rules.profile == "bfcl-like" and "" in right.values):
        return True
    one = resolve(schema, rules.root) if schema else {}
    return rules.profile != "bfcl-like" and "default" in one and _accepts(one["default"], right, one, rules)


def _equal(left: Any, right: Any, schema: Any, rules: _Rules) -> bool:
    one = canonical_value(left, schema, rules.root, rules.profile)
    return is_same(one, canonical_value(right, schema, rules.root, rules.profile))


def _is(value: Any, right: Any, schema: dict[str, Any], rules: _Rules) -> bool:
    """One value against one alternative, which may have alternatives inside: `{"values": [...], "optional": bool}`, or BFCL's
    lists where the schema wants no list."""
    if _equal(value, right, schema, rules) or _equal(value, _read_as(right, schema), schema, rules):
        return True
    if not rules.literal and bfcl.is_spec(right):
        return any(_is(value, one, schema, rules) for one in right["values"])
    if isinstance(value, dict) and isinstance(right, dict):
        return _is_object(value, right, schema, rules)
    if isinstance(value, list) and isinstance(right, list) and len(value) == len(right):
        items = resolve(schema.get("items"), rules.root) if schema.get("items") else {}
        return all(_is(v, r, items, rules) for v, r in zip(value, right, strict=True))
    return False


def _is_object(value: dict[str, Any], right: dict[str, Any], schema: Any, rules: _Rules) -> bool:
    inner = properties(schema, rules.root)
    schemas = {n: resolve(inner.get(n), rules.root) if n in inner else {} for n in {*value, *right}}
    rights = {n: _alternatives(r, schemas[n], right, rules) for n, r in right.items()}
    for name, one in value.items():
        if name not in rights:
            if not is_default(one, schemas[name], rules.root, rules.profile):
                return False
        elif not any(_is(one, r, schemas[name], rules) for r in rights[name].values):
            return False
    return all(name in value or _may_be_left_out(r, inner.get(name), rules) for name, r in rights.items())


def _alternatives(right: Any, schema: dict[str, Any], siblings: dict[str, Any], rules: _Rules) -> Values:
    if not rules.literal and bfcl.is_spec(right):
        return Values(values=tuple(right["values"]), optional=bool(right["optional"]))
    named = types(schema)
    no_list = "array" not in named if named else all(isinstance(s, list) for s in siblings.values())
    if not rules.literal and isinstance(right, list) and no_list:
        return Values(values=tuple(r for r in right if r != ""), optional="" in right)
    return Values(values=(right,))


def _read_as(right: Any, schema: Any) -> Any:
    """A right value in the type that the schema asks for: published answers write 5 for "5" and the other way round."""
    named = types(schema) - {"null"}
    if isinstance(right, str) and named and named <= {"integer", "number"}:
        try:
            return float(right) if any(c in right for c in ".eE") else int(right)
        except (ValueError, OverflowError):
            return right
    if isinstance(right, str) and named == {"boolean"} and right.casefold() in ("true", "false"):
        return right.casefold() == "true"
    if isinstance(right, int | float) and not isinstance(right, bool) and named == {"string"}:
        return str(right)
    return right


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
