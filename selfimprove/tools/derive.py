"""From a plain Python function to a tool definition.

What it is: the one place that reads a signature, its type hints and its docstring, and gives
`{"name", "description", "parameters"}` with a JSON Schema object under `parameters`.
What it is not: it neither checks nor runs calls, and it imports nothing heavy (tool modules are
loaded in the sandbox's children, which have little memory).

    def get_forecast(city: Annotated[str, Param(examples=["Oslo"])], days: int = 3) -> dict:
        '''Daily weather forecast for a city.'''

    derive_tool(get_forecast)["parameters"]["required"]        # ["city"]
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from selfimprove.errors import ToolError

PLAIN_TYPES: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
LITERAL_TYPES: dict[type, str] = {**PLAIN_TYPES, type(None): "null"}


# eq=False keeps the identity hash: `Annotated[...] | None` hashes its metadata, and lists have no hash.
@dataclass(frozen=True, eq=False)
class Param:
    """What a type hint cannot say about a parameter; `examples` feed the drawing of calls and are shown to no model."""

    description: str | None = None
    examples: Sequence[Any] | None = None
    minimum: float | None = None
    maximum: float | None = None
    format: str | None = None

    def keywords(self) -> dict[str, Any]:
        """The JSON Schema keywords that are set."""
        named = {
            "description": self.description,
            "format": self.format,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "examples": None if self.examples is None else list(self.examples),
        }
        return {key: value for key, value in named.items() if value is not None}


def derive_tool(function: Callable[..., Any]) -> dict[str, Any]:
    """The definition of one function; raises ToolError, in one sentence, for what JSON Schema cannot say."""
    name = function.__name__
    description = (inspect.getdoc(function) or "").strip().split("\n")[0].strip()
    if not description:
        raise ToolError(f"tool {name!r} has no docstring, so it has no description")
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolError(f"tool {name!r} has a type hint that cannot be resolved: {error}") from error
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        where = f"{name}.{parameter.name}"
        properties[parameter.name] = _parameter_schema(parameter, hints, where)
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    return {"name": name, "description": description, "parameters": _object_schema(properties, required)}


def _parameter_schema(parameter: inspect.Parameter, hints: dict[str, Any], where: str) -> dict[str, Any]:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise ToolError(f"parameter {where} cannot be passed by name, and calls pass every argument by name")
    if parameter.name not in hints:
        raise ToolError(f"parameter {where} has no type hint")
    schema = _schema_of(hints[parameter.name], where)
    if parameter.default is not inspect.Parameter.empty:
        try:
            schema["default"] = json.loads(json.dumps(parameter.default))
        except TypeError as error:
            raise ToolError(f"the default of parameter {where} is not a JSON value") from error
    return schema


def _schema_of(hint: Any, where: str) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _annotated_schema(hint, where)
    if origin in (Required, NotRequired):
        return _schema_of(get_args(hint)[0], where)
    if hint in PLAIN_TYPES:
        return {"type": PLAIN_TYPES[hint]}
    if origin is Literal:
        return _literal_schema(get_args(hint), where)
    if origin in (Union, types.UnionType):
        return _optional_schema(get_args(hint), where)
    if hint is list or origin is list:
        items = get_args(hint)
        return {"type": "array", "items": _schema_of(items[0], f"{where}[]")} if items else {"type": "array"}
    if is_typeddict(hint):
        return _typed_dict_schema(hint, where)
    if hint is dict or origin is dict:
        return _mapping_schema(get_args(hint), where)
    raise ToolError(f"parameter {where} has the type hint {hint!r}, which has no JSON Schema here")


def _annotated_schema(hint: Any, where: str) -> dict[str, Any]:
    inner, *metadata = get_args(hint)
    schema = _schema_of(inner, where)
    for item in metadata:
        if isinstance(item, Param):
            schema.update(item.keywords())
    return schema


def _literal_schema(values: tuple[Any, ...], where: str) -> dict[str, Any]:
    kinds = sorted({LITERAL_TYPES.get(type(value), "?") for value in values})
    if "?" in kinds:
        raise ToolError(f"parameter {where} lists a value that is not a JSON value")
    return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": list(values)}


def _optional_schema(members: tuple[Any, ...], where: str) -> dict[str, Any]:
    inner = [member for member in members if member is not type(None)]
    if len(inner) != 1 or len(inner) == len(members):
        raise ToolError(f"parameter {where} is a union of several types; only `X | None` is supported")
    schema = _schema_of(inner[0], where)
    if isinstance(schema.get("type"), str) and schema["type"] != "object":
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}


def _typed_dict_schema(hint: Any, where: str) -> dict[str, Any]:
    # Not __required_keys__: it is wrong in modules with postponed annotations (python/cpython#97727).
    fields = get_type_hints(hint, include_extras=True)
    required = [name for name, field in fields.items() if _field_is_required(field, hint.__total__)]
    return _object_schema({name: _schema_of(field, f"{where}.{name}") for name, field in fields.items()}, required)


def _field_is_required(field: Any, total: bool) -> bool:
    if get_origin(field) is Annotated:
        field = get_args(field)[0]
    origin = get_origin(field)
    return origin is Required or (total and origin is not NotRequired)


def _mapping_schema(members: tuple[Any, ...], where: str) -> dict[str, Any]:
    if not members:
        return {"type": "object"}
    if members[0] is not str:
        raise ToolError(f"parameter {where} is a dict whose keys are not strings")
    return (
        {"type": "object"}
        if members[1] is Any
        else {"type": "object", "additionalProperties": _schema_of(members[1], where)}
    )


def _object_schema(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
