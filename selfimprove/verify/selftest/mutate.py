"""Wrong answers made from right ones. Each kind says which layer sees it without a reference; some none can see.

    MUTATIONS["missing-required"].layer == "arguments"
    MUTATIONS["swapped-values"].layer == ""             # both values come from the query: only a reference tells

With reference calls every kind must be rejected. The table for readers is docs/verification.md; a test compares the two.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from selfimprove.records import Call, canonical_json
from selfimprove.tools.words import plain
from selfimprove.verify.selftest.truth import Truth

Calls = tuple[Call, ...]
Make = Callable[[Truth, random.Random], Calls | None]
"""Gives None where a truth has nothing that could be made wrong in this way."""
INVENTED = ("Velmora Quist", "Tharnwick", "Ombrelle Sixfold", "Drax Pellington", "Quorvex Junction", "Zilphine")


@dataclass(frozen=True)
class Mutation:
    make: Make
    layer: str
    """The layer that keeps it from being accepted without a reference; empty where none can."""


def _one(truth: Truth, rng: random.Random, change: Callable[[Call], Call | None]) -> Calls | None:
    """One of the calls changed, if any can be."""
    for index in rng.sample(range(len(truth.calls)), len(truth.calls)):
        made = change(truth.calls[index])
        if made is not None:
            return (*truth.calls[:index], made, *truth.calls[index + 1 :])
    return None


def _argument(truth: Truth, rng: random.Random, change: Callable[[Any, dict[str, Any]], Any], fits: bool | None) -> Calls | None:
    """One argument changed to a value that the schema takes (`fits`), refuses (False) or either (None). NOTHING: cannot be."""

    def of_call(call: Call) -> Call | None:
        properties = truth.tool(call.name).properties
        for name in rng.sample(sorted(call.arguments), len(call.arguments)):
            schema = properties.get(name)
            value = change(copy.deepcopy(call.arguments[name]), schema if isinstance(schema, dict) else {})
            made = Call(name=call.name, arguments={**call.arguments, name: value}) if value is not NOTHING else None
            if made and (fits is None or truth.fits(made) is fits):
                return made
        return None

    return _one(truth, rng, of_call)


NOTHING: Any = object()


def _unknown_tool(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call:
        name = call.name
        near = [name + "s", name + "_v2", name[:-1], name.replace("_", "", 1), name.swapcase(), "functions." + name, name[::-1]]
        offered = {tool.name for tool in truth.tools}
        return Call(name=rng.choice([n for n in near if n and n not in offered]), arguments=call.arguments)

    return _one(truth, rng, change)


def _other_tool(fits: bool) -> Make:
    def make(truth: Truth, rng: random.Random) -> Calls | None:
        def change(call: Call) -> Call | None:
            others = [Call(name=t.name, arguments=call.arguments) for t in truth.tools if t.name != call.name]
            # An argument that a tool does not name is wrong here even where its schema leaves others open.
            known = [o for o in others if (truth.fits(o) and set(o.arguments) <= set(truth.tool(o.name).properties)) is fits]
            return rng.choice(known) if known else None

        return _one(truth, rng, change)

    return make


def _without(call: Call, name: str) -> Call:
    return Call(name=call.name, arguments={n: v for n, v in call.arguments.items() if n != name})


def _missing_required(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call | None:
        required = [name for name in truth.tool(call.name).required if name in call.arguments]
        return _without(call, rng.choice(required)) if required else None

    return _one(truth, rng, change)


def _extra_argument(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call | None:
        parameters = truth.tool(call.name).parameters
        if parameters.get("additionalProperties", False) is not False or "patternProperties" in parameters:
            return None
        name = rng.choice(["note", "verbose", "api_version", "confidence"])
        return None if name in truth.tool(call.name).properties else Call(name=call.name, arguments={**call.arguments, name: 1})

    return _one(truth, rng, change)


def _wrong_type(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, _: dict[str, Any]) -> Any:
        if isinstance(value, str):
            return rng.choice([[value], {"value": value}, True])
        return rng.choice([str(value), [value], {"value": value}])

    return _argument(truth, rng, change, fits=False)


def _null(truth: Truth, rng: random.Random) -> Calls | None:
    return _argument(truth, rng, lambda value, schema: None, fits=False)


def _outside_enum(truth: Truth, rng: random.Random) -> Calls | None:
    return _argument(truth, rng, lambda value, s: rng.choice(INVENTED) if s.get("enum") else NOTHING, fits=False)


def _outside_range(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, schema: dict[str, Any]) -> Any:
        if "maximum" in schema:
            return schema["maximum"] + 1
        return schema["minimum"] - 1 if "minimum" in schema else NOTHING

    return _argument(truth, rng, change, fits=False)


def _invented_text(truth: Truth, rng: random.Random) -> Calls | None:
    free = lambda value, schema: isinstance(value, str) and not schema.get("enum")  # noqa: E731
    return _argument(truth, rng, lambda v, s: rng.choice(INVENTED) if free(v, s) else NOTHING, fits=True)


def _empty_text(truth: Truth, rng: random.Random) -> Calls | None:
    return _argument(truth, rng, lambda value, _: rng.choice(["", " "]) if isinstance(value, str) else NOTHING, fits=True)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invented_number(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, _: dict[str, Any]) -> Any:
        made = [value + step for step in (1, 2, 7, -1, 113, 4021)] if _number(value) else []
        # A number that a definition names may be a default.
        unsaid = [number for number in made if f"{number:g}" not in truth.query and f"{number:g}" not in definitions]
        return rng.choice(unsaid) if unsaid else NOTHING

    definitions = canonical_json([tool.parameters for tool in truth.tools])
    return _argument(truth, rng, change, fits=True)


def _other_day(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, _: dict[str, Any]) -> Any:
        try:
            made = (date.fromisoformat(value) + timedelta(days=rng.choice([-1, 1, 7, 365]))).isoformat()
        except (TypeError, ValueError, OverflowError):
            return NOTHING
        return NOTHING if made in truth.query else made

    return _argument(truth, rng, change, fits=True)


def _invented_item(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, _: dict[str, Any]) -> Any:
        texts = isinstance(value, list) and value and all(isinstance(item, str) for item in value)
        return [*value, rng.choice(INVENTED)] if texts else NOTHING

    return _argument(truth, rng, change, fits=True)


def _dropped_item(truth: Truth, rng: random.Random) -> Calls | None:
    return _argument(truth, rng, lambda v, _: v[:-1] if isinstance(v, list) and len(v) > 1 else NOTHING, fits=True)


def _other_enum(truth: Truth, rng: random.Random) -> Calls | None:
    def change(value: Any, schema: dict[str, Any]) -> Any:
        others = [item for item in schema.get("enum") or [] if item != value]
        return rng.choice(others) if others else NOTHING

    return _argument(truth, rng, change, fits=True)


def _flipped(truth: Truth, rng: random.Random) -> Calls | None:
    return _argument(truth, rng, lambda value, _: (not value) if isinstance(value, bool) else NOTHING, fits=True)


def _swapped(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call | None:
        names = sorted(call.arguments)
        pairs = [(a, b) for a in names for b in names if a < b and type(call.arguments[a]) is type(call.arguments[b])]
        for a, b in rng.sample(pairs, len(pairs)):
            made = Call(name=call.name, arguments={**call.arguments, a: call.arguments[b], b: call.arguments[a]})
            if truth.fits(made):
                return made
        return None

    return _one(truth, rng, change)


def _dropped_optional(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call | None:
        optional = sorted(set(call.arguments) - set(truth.tool(call.name).required))
        return _without(call, rng.choice(optional)) if optional else None

    return _one(truth, rng, change)


def _dropped_call(truth: Truth, rng: random.Random) -> Calls | None:
    if len(truth.calls) < 2:
        return None
    index = rng.randrange(len(truth.calls))
    return (*truth.calls[:index], *truth.calls[index + 1 :])


def _repeated_call(truth: Truth, rng: random.Random) -> Calls | None:
    return (*truth.calls, rng.choice(truth.calls)) if truth.calls else None


def _invented_call(truth: Truth, rng: random.Random) -> Calls | None:
    made = _invented_text(truth, rng) or _invented_number(truth, rng)
    new = [call for call in made or () if call not in truth.calls]
    return (*truth.calls, *new) if new else None


def _value_twice(truth: Truth, rng: random.Random) -> Calls | None:
    said = f"  {plain(truth.query).replace(' ', '  ')}  "

    def change(call: Call) -> Call | None:
        once = [n for n, v in sorted(call.arguments.items()) if _is_once(v, said)]
        pairs = [(name, other) for name in once for other in _free(truth, call) if name != other]
        for name, other in rng.sample(pairs, len(pairs)):
            made = Call(name=call.name, arguments={**call.arguments, other: call.arguments[name]})
            if truth.fits(made):
                return made
        return None

    return _one(truth, rng, change)


def _free(truth: Truth, call: Call) -> list[str]:
    """The arguments whose values are not named by the tool."""
    schemas = truth.tool(call.name).properties
    return [n for n in sorted(call.arguments) if isinstance(one := schemas.get(n), dict) and not {"enum", "const"} & one.keys()]


def _is_once(value: Any, said: str) -> bool:
    text = plain(str(value)).replace(" ", "  ")
    return (isinstance(value, str) or _number(value)) and bool(text) and said.count(f" {text} ") == 1


def _parameter_name(truth: Truth, rng: random.Random) -> Calls | None:
    def change(call: Call) -> Call | None:
        texts = [n for n in _free(truth, call) if isinstance(call.arguments[n], str) and plain(n) not in plain(truth.query)]
        made = [Call(name=call.name, arguments={**call.arguments, n: n.replace("_", " ")}) for n in texts]
        fitting = [one for one in made if truth.fits(one)]
        return rng.choice(fitting) if fitting else None

    return _one(truth, rng, change)


MUTATIONS: dict[str, Mutation] = {
    "unknown-tool": Mutation(_unknown_tool, "tool"),
    "other-tool-unfit": Mutation(_other_tool(False), "arguments"),
    "missing-required": Mutation(_missing_required, "arguments"),
    "extra-argument": Mutation(_extra_argument, "arguments"),
    "wrong-type": Mutation(_wrong_type, "arguments"),
    "null-value": Mutation(_null, "arguments"),
    "outside-enum": Mutation(_outside_enum, "arguments"),
    "outside-range": Mutation(_outside_range, "arguments"),
    "invented-text": Mutation(_invented_text, "grounding"),
    "empty-text": Mutation(_empty_text, "grounding"),
    "invented-number": Mutation(_invented_number, "grounding"),
    "other-day": Mutation(_other_day, "grounding"),
    "invented-item": Mutation(_invented_item, "grounding"),
    "invented-call": Mutation(_invented_call, "grounding"),
    "value-twice": Mutation(_value_twice, "grounding"),
    "parameter-name": Mutation(_parameter_name, "grounding"),
    "repeated-call": Mutation(_repeated_call, "structure"),
    "other-tool-fit": Mutation(_other_tool(True), ""),
    "other-enum": Mutation(_other_enum, ""),
    "swapped-values": Mutation(_swapped, ""),
    "flipped-boolean": Mutation(_flipped, ""),
    "dropped-item": Mutation(_dropped_item, ""),
    "dropped-optional": Mutation(_dropped_optional, ""),
    "dropped-call": Mutation(_dropped_call, ""),
}


def mutated(kind: str, truth: Truth) -> Calls | None:
    """A wrong answer of a kind; None where the truth has none, or where what was made is right all the same."""
    made = MUTATIONS[kind].make(truth, truth.rng("mutation", kind)) if truth.calls else None
    return None if made is None or truth.equals(made) else made
