"""When two answers are the same: used by the vote, pass@k, scoring and the verifier.

    key(answer, tools) == key(other, tools)

Everything is read by the tool's schema. Arguments equal to the schema's default are dropped, on every level, and so is null
where it is allowed and nothing is required; numbers compare by value; parallel calls are a multiset; an abstention is a class
of its own with its reason. What a profile adds for text:

    strict      exact up to outer white space
    training    dates and times in ISO forms (2026-3-4, 2026-03-04), quotation marks, runs of spaces, composed letters (NFC)
    bfcl-like   case, spaces and the characters , . / - _ * ^ do not count (BFCL's standardize_string)

What this is not: a check that the calls are valid, nor of alternatives (`admissible.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from typing import Any, Literal, get_args

from selfimprove.records import Answer, Call, Tool, canonical_json
from selfimprove.tools.subschema import allows_null, properties, resolve
from selfimprove.tools.words import composed

Profile = Literal["strict", "bfcl-like", "training"]
PROFILES: tuple[Profile, ...] = get_args(Profile)

_quotes = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00a0": " "})
_spaces = re.compile(r"(?<=\S)[ \t]{2,}(?=\S)")
_iso = re.compile(
    r"(?:(\d{4})-(\d{1,2})-(\d{1,2}))?([T ](?=\d))?(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)
_ignored = re.compile(r"[ ,./\-_*^]")


def key(answer: Answer, tools: Iterable[Tool], profile: Profile = "training") -> str:
    """One text for all answers that mean the same."""
    if answer.abstain or not answer.calls:
        return canonical_json(["abstain", answer.abstain or "no_call", sorted(answer.missing)])
    by_name = {tool.name: tool for tool in tools}
    calls = [call_key(call, by_name.get(call.name), profile) for call in answer.calls]
    return f"[{','.join(sorted(calls))}]"


def call_key(call: Call, tool: Tool | None, profile: Profile = "training") -> str:
    schema = tool.parameters if tool else {}
    return canonical_json([call.name, canonical_object(call.arguments, schema, schema, profile)])


def canonical_object(values: dict[str, Any], schema: Any, root: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """An object's values in their one form, without those that equal their default."""
    inner = properties(schema, root)
    found = {}
    for name, value in values.items():
        if value is None and is_nothing(name, schema, root):
            continue
        one = resolve(inner[name], root) if name in inner else {}
        if type(value) is str:
            normal: Any = canonical_text(value, profile)
        elif type(value) is int:
            normal = value
        else:
            normal = canonical_value(value, one, root, profile)
        # Read for the names that are given only: the default of a schema that holds itself may have no end.
        if "default" not in one or not is_same(normal, canonical_value(one["default"], one, root, profile)):
            found[name] = normal
    return found


def is_nothing(name: str, schema: Any, root: dict[str, Any]) -> bool:
    """Whether null for a property means the same as leaving it out: it is allowed, not required, and no default is another."""
    one = properties(schema, root).get(name)
    required = schema.get("required") if isinstance(schema, dict) else None
    if not isinstance(one, dict) or (isinstance(required, list) and name in required):
        return False
    return resolve(one, root).get("default") is None and allows_null(one, root)


def is_default(value: Any, schema: dict[str, Any], root: dict[str, Any], profile: Profile = "training") -> bool:
    """Whether saying a value and leaving it out mean the same."""
    if "default" not in schema:
        return False
    return is_same(canonical_value(value, schema, root, profile), canonical_value(schema["default"], schema, root, profile))


def canonical_value(value: Any, schema: Any = None, root: dict[str, Any] | None = None, profile: Profile = "training") -> Any:
    """A value in the one form that its schema gives it: 2.0 is 2, and inside arrays and objects too."""
    if isinstance(value, str):
        return canonical_text(value, profile)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        items = schema.get("items") if isinstance(schema, dict) else None
        one = resolve(items, root or {}) if items else {}
        return [canonical_value(v, one, root, profile) for v in value]
    if isinstance(value, dict):
        return canonical_object(value, schema or {}, root or {}, profile)
    return value


def canonical_text(text: str, profile: Profile) -> str:
    if profile == "bfcl-like":
        return _ignored.sub("", text).lower().replace("'", '"')
    text = text.strip()
    if profile == "strict" or not text:
        return text
    if not text.isascii():
        text = composed(text).translate(_quotes)
    if "  " in text or "\t" in text:
        text = _spaces.sub(" ", text)
    return _canonical_time(text) if text[0] in "0123456789" and ("-" in text or ":" in text) else text


def _canonical_time(text: str) -> str:
    """A date, a time or both in one ISO form; anything else as it is. Midnight is not a date: 00:00 was said or not."""
    found = _iso.fullmatch(text)
    if not found or bool(found[4]) != bool(found[1] and found[5]):
        return text
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])).isoformat() if found[1] else ""
        clock = time(int(found[5]), int(found[6]), int(found[7] or 0)).isoformat() if found[5] else ""
    except ValueError:
        return text
    fraction = (found[8] or "").rstrip("0")
    zone = (found[9] or "").upper().replace(":", "")
    zone = "Z" if zone in ("+0000", "-0000") else zone
    return day + ("T" if day and clock else "") + clock + ("." + fraction if fraction else "") + zone


def is_same(left: Any, right: Any) -> bool:
    """Equality of JSON values: as Python's, but true is not 1."""
    if left is right:
        return True
    if type(left) is str:
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(v, right[k]) for k, v in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return bool(left == right)
