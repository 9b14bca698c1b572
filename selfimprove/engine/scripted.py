"""An engine that answers from a file. Tests only: it never says anything about a model.

    {"sample-1": ["<tool_call>...</tool_call>"], "*": ["hello"]}      request id, or "*" for all others; texts are reused in turn.
Of the answers that a request gives to be weighed, the first text is the likely one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from selfimprove.errors import EngineError
from selfimprove.records import Completion, Request


class ScriptedEngine:
    def __init__(self, script: Path) -> None:
        try:
            self._texts: dict[str, list[str]] = json.loads(script.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise EngineError(f"engine.script={script} cannot be read ({error}); give a JSON file of answers") from None

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for request in requests:
            texts = self._texts.get(request.id, self._texts.get("*"))
            if not texts:
                raise EngineError(f'the scripted engine has no answer for {request.id!r}; add it, or one for "*"')
            if request.answers:
                yield from _weighed(request, texts[0])
                continue
            for index in range(request.k):
                text = texts[index % len(texts)]
                tokens = tuple(range(len(text.split()) + 1))
                yield Completion(
                    request=request.id, index=index, text=text, tokens=tokens, logprob=-0.5, finish="stop",
                    prompt_tokens=sum(len(message.content.split()) for message in request.messages),
                )  # fmt: skip

    def close(self) -> None:
        pass

    def __enter__(self) -> ScriptedEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def _weighed(request: Request, wanted: str) -> Iterator[Completion]:
    """Given answers: the scripted text is the likely one."""
    for index, answer in enumerate(request.answers):
        logprob = -0.1 if answer == wanted else -5.0
        yield Completion(
            request=request.id, index=index, text=answer, tokens=(index,), logprob=logprob, finish="stop", prompt_tokens=1
        )
