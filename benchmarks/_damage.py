"""Ways to damage a right answer, some of which leave it right: what the agreement with other checkers is measured on.

    calls = DAMAGES["spelling"](calls, item, random.Random(7))
"""

from __future__ import annotations

import random
from typing import Any

from selfimprove.records import AdmissibleCall, Call, SuiteItem


def other_values(call: Call, wanted: AdmissibleCall, draw: random.Random) -> Call:
    """Another admissible value where there are several plain ones."""
    plain = {n: [v for v in wanted.arguments[n].values if isinstance(v, str | int | float) and v != ""] for n in call.arguments}
    drawn = {n: draw.choice(plain[n]) if plain[n] else v for n, v in call.arguments.items()}
    return call.model_copy(update={"arguments": drawn})


def _on_value(change: Any) -> Any:
    """A damage of one argument's value, at any depth."""

    def damage(calls: list[Call], item: SuiteItem, draw: random.Random) -> list[Call]:
        where = [(i, n) for i, call in enumerate(calls) for n in call.arguments]
        if not where:
            return calls
        index, name = draw.choice(where)
        value = _inside(calls[index].arguments[name], change, draw)
        changed = calls[index].model_copy(update={"arguments": {**calls[index].arguments, name: value}})
        return [*calls[:index], changed, *calls[index + 1 :]]

    return damage


def _inside(value: Any, change: Any, draw: random.Random) -> Any:
    if isinstance(value, list) and value and draw.random() < 0.6:
        at = draw.randrange(len(value))
        return [_inside(v, change, draw) if i == at else v for i, v in enumerate(value)]
    if isinstance(value, dict) and value and draw.random() < 0.6:
        at = draw.choice(list(value))
        return {n: _inside(v, change, draw) if n == at else v for n, v in value.items()}
    return change(value, draw)


def _other_type(value: Any, draw: random.Random) -> Any:
    options: list[Any] = [str(value), [value], None, {"value": value}, True, "", 0, []]
    if isinstance(value, bool):
        options += [int(value), str(value).lower()]
    elif isinstance(value, int | float):
        options += [float(value), int(value), bool(value), f"{value}.0"]
    elif isinstance(value, str):
        options += [float(value)] if value.replace(".", "", 1).isdigit() and len(value) < 15 else []
    return draw.choice(options)


def _spelling(value: Any, draw: random.Random) -> Any:
    """Mostly what BFCL does not mind."""
    if not isinstance(value, str) or not value:
        return -value if isinstance(value, int | float) and not isinstance(value, bool) else value
    return draw.choice((
        value.upper(), value.lower(), value.title(), value.replace(" ", ""), value.replace(" ", "_"), f" {value}.", f"{value},",
        value.replace("'", '"'), value.replace(",", ""), value.replace("-", "/"), f"{value}!", f"the {value}", value[:-1],
        value.replace("e", "é", 1), value + "\\n", value.replace(" ", "\\t"), value.replace(":", ""),
    ))  # fmt: skip


def _other_content(value: Any, draw: random.Random) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + draw.choice((1, -1, 0.5, 1e-9, 1000))
    if isinstance(value, list):
        return draw.choice((value[::-1], value[:-1], [*value, *value[-1:]], sorted(value, key=str)))
    if isinstance(value, dict):
        items = list(value.items())
        return draw.choice((dict(items[:-1]), {**value, "unknown": 1}, dict(items[::-1])))
    return f"{value}x"


def _drop_argument(calls: list[Call], item: SuiteItem, draw: random.Random) -> list[Call]:
    return _edit(calls, draw, lambda a: {n: v for n, v in a.items() if n != draw.choice(list(a))} if a else a)


def _add_argument(calls: list[Call], item: SuiteItem, draw: random.Random) -> list[Call]:
    """An argument that the tool knows, with its default or a value of its type, or one that it does not know."""
    properties = {t.name: t.properties for t in item.tools}
    index = draw.randrange(len(calls)) if calls else 0
    if not calls:
        return calls
    known = [n for n in properties.get(calls[index].name, {}) if n not in calls[index].arguments]
    name = draw.choice([*known, "unknown_argument"])
    schema = properties.get(calls[index].name, {}).get(name) or {}
    value = schema.get("default", draw.choice(("", 1, True, "x")))
    changed = calls[index].model_copy(update={"arguments": {**calls[index].arguments, name: value}})
    return [*calls[:index], changed, *calls[index + 1 :]]


def _edit(calls: list[Call], draw: random.Random, change: Any) -> list[Call]:
    if not calls:
        return calls
    index = draw.randrange(len(calls))
    changed = calls[index].model_copy(update={"arguments": change(calls[index].arguments)})
    return [*calls[:index], changed, *calls[index + 1 :]]


def _other_tool(calls: list[Call], item: SuiteItem, draw: random.Random) -> list[Call]:
    if not calls:
        return calls
    index = draw.randrange(len(calls))
    name = draw.choice([*(t.name for t in item.tools), calls[index].name.replace(".", "_"), calls[index].name.upper()])
    return [*calls[:index], calls[index].model_copy(update={"name": name}), *calls[index + 1 :]]


def _count(calls: list[Call], item: SuiteItem, draw: random.Random) -> list[Call]:
    shuffled = draw.sample(calls, len(calls))
    return draw.choice((shuffled, shuffled[:-1], [*calls, *calls[-1:]], [*calls[:-1], *calls[:1]], []))


DAMAGES: dict[str, Any] = {
    "other type": _on_value(_other_type), "spelling": _on_value(_spelling), "other content": _on_value(_other_content),
    "argument dropped": _drop_argument, "argument added": _add_argument, "other tool": _other_tool, "other calls": _count,
}  # fmt: skip
