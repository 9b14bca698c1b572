"""The base of every record: frozen, closed to unknown keys, identified by the digest of its content."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from selfimprove.records.keys import digest


class Record(BaseModel):
    """An immutable value. `key` is its identity: the same content has the same key on every machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def key(self) -> str:
        return digest(self.model_dump(mode="json"))
