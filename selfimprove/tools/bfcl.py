"""BFCL's rules for one value, as its AST checker applies them to Python items (Berkeley Function-Calling Leaderboard, v4).

    accepts("new york", ["New York", "NYC"], {"type": "string"})       # text is compared without case, spaces and , . / - _ * ^
    accepts(5, [5.0], {"type": "float"})                               # whole numbers pass as floats, nothing else is converted
    accepts({"size": "L"}, [{"size": ["l"], "ice": ["no", ""]}], {"type": "dict"})

`""` among the values says that the argument may be left out. Inside a dictionary each key has a list of alternatives.
The rules are kept as they are, so that a score is comparable; what they get wrong is kept too (`true` is 1 inside lists).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selfimprove.tools.canonical import canonical_text
from selfimprove.tools.subschema import ALIASES, types

_PYTHON: dict[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}
_KINDS = _PYTHON | {name: _PYTHON[standard] for name, standard in ALIASES.items() if standard in _PYTHON}


def kind(schema: Any) -> type | None:
    """The Python type that a value must have. `any` is str there: other types pass when the first right value has them."""
    if not isinstance(schema, dict):
        return None
    said = schema.get("type")
    if type(said) is str and said in _KINDS:
        return _KINDS[said]
    named = sorted(types(schema) - {"null"})
    return _PYTHON[named[0]] if named else str


def accepts(value: Any, values: Sequence[Any], schema: Any) -> bool:
    """Whether a value is one of the right ones, in type and in content."""
    wanted = kind(schema) or str
    if type(value) is wanted and wanted not in (list, dict) and value in values and wanted is type(values[values.index(value)]):
        return True
    inner = kind(schema.get("items")) if wanted is list and isinstance(schema, dict) else None
    if wanted is float and type(value) is int:
        value = float(value)
    known = next((type(v) for v in values if v != ""), None)
    variable = known is not None and known is not wanted
    given: Any = value
    if type(value) is wanted:
        if inner and not any(not isinstance(v, list) or all(_has_type(i, v, inner) for i in given) for v in values):
            return False
    elif known is type(value):
        variable = True
    else:
        return False
    if not variable:
        if wanted is dict:
            return _accepts_dict(value, values)
        if wanted is str:
            return _text(value) in [_text(v) for v in values if isinstance(v, str)]
        if wanted is list and inner is dict:
            return _accepts_dicts(value, values)
        if wanted is list:
            return [_text(i) for i in value] in [[_text(i) for i in v] for v in values if isinstance(v, list) or v == ""]
    return value in values


def _has_type(item: Any, right: list[Any], wanted: type) -> bool:
    return type(item) in (wanted, next((type(v) for v in right if v != ""), None))


def _text(value: Any) -> Any:
    return canonical_text(value, "bfcl-like") if isinstance(value, str) else value


def _accepts_dict(value: Any, rights: Sequence[Any]) -> bool:
    return isinstance(value, dict) and any(isinstance(right, dict) and _fits(value, right) for right in rights)


def _fits(value: dict[str, Any], right: dict[str, Any]) -> bool:
    alternatives = {name: spelled_out(one) for name, one in right.items()}
    return all(n in alternatives and _text(v) in [_text(a) for a in alternatives[n]] for n, v in value.items()) and all(
        n in value or "" in allowed for n, allowed in alternatives.items()
    )


def spelled_out(one: Any) -> list[Any]:
    """A key's alternatives: BFCL's list, or `{"values": [...], "optional": bool}`, or one plain value."""
    if is_spec(one):
        return [*one["values"], *([""] if one["optional"] else [])]
    return one if isinstance(one, list) else [one]


def is_spec(one: Any) -> bool:
    """Whether a nested value is `{"values": [...], "optional": bool}`."""
    return isinstance(one, dict) and one.keys() == {"values", "optional"} and isinstance(one["values"], list)


def _accepts_dicts(value: list[Any], rights: Sequence[Any]) -> bool:
    return any(
        len(value) == len(right) and all(_accepts_dict(v, [r]) for v, r in zip(value, right, strict=True))
        for right in rights
        if isinstance(right, list) or right == ""
    )
