"""What goes into an engine and what comes out of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from selfimprove.records.base import Record
from selfimprove.records.call import Call
from selfimprove.records.tool import Tool

Finish = Literal["stop", "length", "too_long"]
"""`stop`: the model ended its turn. `length`: cut at max_tokens. `too_long`: the prompt did not fit, nothing was made."""


class Message(Record):
    """One turn. A tool's result answers the calls before it, in their order."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    calls: tuple[Call, ...] = ()
    """Only the assistant's: what it called in this turn."""


class Request(Record):
    """One prompt, `k` samples. `temperature` 0 is greedy. The engine derives the seed of sample i from (seed, i)."""

    id: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    k: int = Field(default=1, ge=1)
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0)
    max_tokens: int = Field(default=64, ge=1)
    max_prompt_tokens: int = Field(default=0, ge=0)
    """Prompts longer than this are returned as `too_long` (0: the engine's own limit)."""
    seed: int = 0


class Completion(Record):
    """One sampled text. `logprob` is the mean log-probability (nats) of its tokens under the model that made it."""

    request: str
    index: int
    text: str
    tokens: tuple[int, ...] = ()
    logprob: float | None = None
    finish: Finish
    prompt_tokens: int
