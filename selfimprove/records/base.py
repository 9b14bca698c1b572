"""The base of every record: frozen, closed to unknown keys, identified by the digest of its content."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from selfimprove.records.keys import digest

_set = object.__setattr__  # what "frozen" keeps others from doing


class Record(BaseModel):
    """An immutable value. `key` is its identity: the same content has the same key on every machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """A record of values that need no check, every field given: what `model_construct` does, in a third of its time."""
        made = cls.__new__(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", set(values))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    @property
    def key(self) -> str:
        return digest(self.model_dump(mode="json"))
