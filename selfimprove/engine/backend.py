"""What a worker asks of a model library: token ids in, token ids out. Rendering and decoding are the worker's own.

    backend.add("request-7/0", Sample(prompt=[1, 5, 9], stop=(2,), max_tokens=32, temperature=0.8, seed=11))
    while backend.busy:
        for made in backend.step(): ...

A new library is one file with a class of this shape and one line in `load_backend`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from selfimprove.engine.settings import Spec


@dataclass(frozen=True)
class Sample:
    """One sequence to make. `temperature` 0 is greedy and draws nothing; else `seed` alone decides the draws."""

    prompt: list[int]
    stop: tuple[int, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    given: tuple[int, ...] = ()
    """An answer that is only weighed: `Made` has these tokens, and nothing is drawn."""


@dataclass(frozen=True)
class Made:
    """`tokens` end with the stop token when there was one. `logprob` is the mean over `tokens` of the model's own
    log-probabilities: before temperature, top-k and top-p (vLLM's `raw_logprobs`)."""

    name: str
    tokens: tuple[int, ...]
    logprob: float | None
    finish: Literal["stop", "length"]


class Backend(Protocol):
    @property
    def busy(self) -> bool:
        """Whether anything added is still to be made."""
        ...

    def add(self, name: str, sample: Sample) -> None:
        """Raises ValueError for a sample that this library refuses; the others are not touched."""
        ...

    def step(self) -> list[Made]:
        """Works for a moment, and returns what was finished in it."""
        ...

    def close(self) -> None: ...


def load_backend(spec: Spec) -> Backend:
    """Imports the library and loads the model: seconds to minutes."""
    if spec.backend == "vllm":
        from selfimprove.engine.vllm_backend import VllmBackend

        return VllmBackend(spec)
    from selfimprove.engine.transformers_backend import TransformersBackend

    return TransformersBackend(spec)
