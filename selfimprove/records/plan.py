"""What a round works on, and what the model proposed for it."""

from __future__ import annotations

from selfimprove.records.base import Record
from selfimprove.records.call import Call


class Drawn(Record):
    """A call drawn for a tool; `left_out` holds a required value that the request must not give."""

    id: str
    call: Call
    left_out: Call | None = None


class Plan(Record):
    queries: tuple[str, ...]
    calls: tuple[Drawn, ...]
    curriculum: tuple[str, ...]
    oracle: tuple[str, ...]


class Proposal(Record):
    """`problem` is the reason code when the text cannot be used, None when it can."""

    id: str
    subtask: str
    prompt: str
    text: str
    problem: str | None = None
    logprob: float | None = None
    """Mean log-probability (nats) of the text's tokens under the model that wrote it."""

    @property
    def subject(self) -> str:
        """Id of the query or drawn call that it was made for; a user's ids may hold slashes."""
        return self.id.split("/", 1)[1].rsplit("/", 1)[0]
