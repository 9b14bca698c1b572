"""The base of every record: frozen, closed to unknown keys, identified by the digest of its content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from selfimprove.records.keys import digest


class Record(BaseModel):
    """An immutable value. `key` is its identity: the same content has the same key on every machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def key(self) -> str:
        return digest(self.model_dump(mode="json"))


_R = TypeVar("_R", bound=Record)
_new, _set_fields = object.__new__, object.__setattr__  # what "frozen" keeps others from doing
_set_given, _set_extra, _set_private = (
    vars(BaseModel)[f"__pydantic_{name}__"].__set__ for name in ("fields_set", "extra", "private")
)


def maker(record: type[_R]) -> Callable[[dict[str, Any]], _R]:
    """What makes records of fields that need no check, every field given: `model_construct` in a sixth of its time."""
    names = set(record.model_fields)

    def make(fields: dict[str, Any]) -> _R:
        made = _new(record)
        _set_fields(made, "__dict__", fields)
        _set_given(made, names)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return make
