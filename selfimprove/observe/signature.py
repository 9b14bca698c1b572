"""Tools and answers as one readable line.

    signature(tool)      get_weather(city: string, unit: "c" | "f" = "c", days?: integer)
    answer_text(answer)  get_weather(city="Paris", days=3)

Takes what a model may have written: nothing here raises for a malformed schema.
"""

from __future__ import annotations

import json
from typing import Any

from selfimprove.records import Tool


def signature(tool: Any) -> str:
    """Required parameters plain, optional ones with "?" or their default. Made from what a model may have written."""
    try:
        found = Tool.model_validate(tool)
    except ValueError:
        return text(tool)
    required = found.required
    parts = [_parameter(str(name), schema, str(name) in required) for name, schema in found.properties.items()]
    return f"{found.name}({', '.join(parts)})"


def _parameter(name: str, schema: Any, required: bool) -> str:
    schema = schema if isinstance(schema, dict) else {}
    default = f" = {text(schema['default'])}" if "default" in schema else ""
    return f"{name}{'' if required or default else '?'}: {_type(schema)}{default}"


def _type(schema: dict[str, Any]) -> str:
    if isinstance(schema.get("enum"), list):
        return " | ".join(text(value) for value in schema["enum"])
    type_ = schema.get("type", "any")
    name = " | ".join(map(str, type_)) if isinstance(type_, list) else str(type_)
    if name == "array" and isinstance(schema.get("items"), dict):
        return f"{_type(schema['items'])}[]"
    if name == "object" and isinstance(schema.get("properties"), dict):
        return "{" + ", ".join(map(str, schema["properties"])) + "}"
    return name


def answer_text(answer: Any) -> str:
    """Calls joined by "; ", or why there is none; empty for no answer."""
    if not isinstance(answer, dict):
        return ""
    calls = answer.get("calls") or ()
    if calls:
        return "; ".join(_call(call) for call in calls)
    missing = ", ".join(map(str, answer.get("missing") or ()))
    if answer.get("abstain") == "missing":
        return f"missing value: {missing}" if missing else "missing value"
    return "no tool fits" if answer.get("abstain") == "no_tool" else "no call"


def _call(call: Any) -> str:
    arguments = call.get("arguments") if isinstance(call, dict) else None
    if not isinstance(arguments, dict):
        return text(call)
    return f"{call.get('name')}({', '.join(f'{name}={text(value)}' for name, value in arguments.items())})"


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
