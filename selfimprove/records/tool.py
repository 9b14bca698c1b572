"""A tool as data: what a model is shown. How a tool runs is the sandbox's business."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from selfimprove.records.base import Record


class Tool(Record):
    """A definition: name, description and the JSON Schema (an object) of its parameters."""

    name: str = Field(min_length=1)
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})

    @model_validator(mode="before")
    @classmethod
    def _accept_openai_form(cls, value: Any) -> Any:
        """Takes `{"type": "function", "function": {...}}` too, the form that OpenAI-compatible servers use."""
        if isinstance(value, dict) and isinstance(value.get("function"), dict):
            value = value["function"]
        if isinstance(value, dict):
            value = {k: v for k, v in value.items() if k in ("name", "description", "parameters") and v is not None}
        return value

    @property
    def properties(self) -> dict[str, Any]:
        found = self.parameters.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> list[str]:
        found = self.parameters.get("required")
        return [str(name) for name in found] if isinstance(found, list) else []

    def openai(self) -> dict[str, Any]:
        """The form that chat templates expect."""
        return {"type": "function", "function": self.model_dump(mode="json")}
