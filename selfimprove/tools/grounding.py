"""Can every value of a call be found in the text of the conversation? What cannot be traced is said, never guessed.

    ungrounded({"city": "Oslo", "days": 3}, schema, "Weather in Oslo for three days") == []
"""

from __future__ import annotations

import re
from typing import Any

NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "  # noqa: SIM905
        "eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
     "half": 0.5, "a": 1, "an": 1, "once": 1, "twice": 2, "dozen": 12}  # fmt: skip
_number = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def ungrounded(arguments: dict[str, Any], schema: dict[str, Any], text: str) -> list[str]:
    """Names of the arguments with a value that the text does not show. Booleans are never traced: wording decides them."""
    low = _plain(text)
    numbers = _numbers(text)
    properties = schema.get("properties")
    inner = properties if isinstance(properties, dict) else {}
    return [name for name, value in arguments.items() if not _found(value, inner.get(name) or {}, low, numbers)]


def _found(value: Any, schema: Any, text: str, numbers: set[float]) -> bool:
    schema = schema if isinstance(schema, dict) else {}
    if isinstance(value, bool) or value is None:
        return True
    if "default" in schema and value == schema["default"]:
        return True
    if isinstance(value, int | float):
        return float(value) in numbers
    if isinstance(value, str):
        return _shows(value, schema, text)
    if isinstance(value, list):
        items = schema.get("items") or {}
        return all(_found(item, items, text, numbers) for item in value)
    if isinstance(value, dict):
        found = schema.get("properties")
        inner = found if isinstance(found, dict) else {}
        return all(_found(item, inner.get(name) or {}, text, numbers) for name, item in value.items())
    return False


def _shows(value: str, schema: dict[str, Any], text: str) -> bool:
    plain = _plain(value)
    if not plain or plain in text:
        return True
    # An enum's value may be named by its stem: "celsius" for "degrees Celsius", "metric" for "metric units".
    return bool(schema.get("enum")) and any(len(w) > 3 and w[: max(4, len(w) - 2)] in text for w in plain.split())


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-]+", " ", text.casefold().replace("\u2019", "'")).strip()


def _numbers(text: str) -> set[float]:
    found = {float(n.replace(",", "")) for n in _number.findall(text) if n.replace(",", "").strip("-")}
    # "2026-03-04" reads as 2026, -3 and -4: the positive forms count too.
    found |= {abs(n) for n in found}
    return found | {float(NUMBER_WORDS[w]) for w in re.findall(r"[a-z]+", text.casefold()) if w in NUMBER_WORDS}
