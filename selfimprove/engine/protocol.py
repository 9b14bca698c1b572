"""What the rest of the project knows of an engine: requests in, an iterator of completions out.

    with open_engine(config.engine, model_dir, log) as engine:
        for completion in engine.complete(requests):
            ...

Engines are `vllm`, `transformers` (both in a worker child) and `scripted` (tests). Rendering of messages and tools into a
prompt happens in the worker, with the model's own tokenizer and template, so the parent never loads a model library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol

from selfimprove.records import Completion, Request


class Engine(Protocol):
    """Completions of one request come together (k rows, index 0..k-1), requests in any order."""

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Raises EngineError, with the worker's last log lines, when the engine dies."""
        ...

    def close(self) -> None:
        """Ends the engine and proves that its memory is back."""
        ...

    def __enter__(self) -> Engine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
