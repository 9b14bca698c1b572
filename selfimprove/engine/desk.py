"""Between a worker's rows and its backend: renders requests, deals out their samples, decodes and collects answers.

    desk.accept({"id": "a", "messages": [...], "k": 4})
    for answer in desk.work(): ...        # {"request": "a", "completions": [four rows]}

Imported in worker processes only: it loads the model's tokenizer.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selfimprove.chat.render import answer_text, load_tokenizer, prompt_ids, stop_ids
from selfimprove.engine.backend import Backend, Made, Sample
from selfimprove.records import Completion, Request, derive_seed

Answer = dict[str, Any]


@dataclass
class Open:
    """A request in work: `distinct` samples are made (one when greedy, since all would be equal)."""

    request: Request
    prompt_tokens: int
    distinct: int
    made: dict[int, Made] = field(default_factory=dict)


class Desk:
    def __init__(self, model: Path, backend: Backend, max_model_len: int) -> None:
        self._tokenizer = load_tokenizer(model)
        self._stop = tuple(stop_ids(self._tokenizer, model))
        self._backend = backend
        self._limit = max_model_len
        self._open: dict[str, Open] = {}
        self._answers: list[Answer] = []

    @property
    def busy(self) -> bool:
        return bool(self._open or self._answers)

    def accept(self, row: dict[str, Any]) -> None:
        """A request that cannot be rendered or run is answered with the reason; the others never notice."""
        try:
            self._start(Request.model_validate(row))
        except Exception as error:  # a template may raise anything on what a model wrote
            sys.stderr.write(f"request {row.get('id')}: {type(error).__name__}: {error}\n")
            self._open.pop(str(row.get("id")), None)
            self._answers.append({"request": row.get("id"), "failed": f"{type(error).__name__}: {error}", "completions": []})

    def _start(self, request: Request) -> None:
        prompt = prompt_ids(self._tokenizer, request.messages, request.tools)
        room = self._limit - request.max_tokens
        if len(prompt) > min(room, request.max_prompt_tokens or room):
            self._answers.append(_answer(request, [_too_long(request, i, len(prompt)) for i in range(request.k)]))
            return
        work = Open(request, len(prompt), request.k if request.temperature > 0 else 1)
        for index in range(work.distinct):
            self._backend.add(f"{index}/{request.id}", self._sample(request, prompt, index))
        self._open[request.id] = work

    def _sample(self, request: Request, prompt: list[int], index: int) -> Sample:
        return Sample(
            prompt, self._stop, request.max_tokens, request.temperature, request.top_p, request.top_k,
            seed=derive_seed(request.seed, index),
        )  # fmt: skip

    def work(self) -> list[Answer]:
        """One step of the backend; the answers that are complete after it."""
        for made in self._backend.step() if self._open else ():
            index, _, name = made.name.partition("/")
            if (work := self._open.get(name)) is not None:
                work.made[int(index)] = made
                if len(work.made) == work.distinct:
                    self._answers.append(self._finish(self._open.pop(name)))
        done, self._answers = self._answers, []
        return done

    def _finish(self, work: Open) -> Answer:
        made = [work.made[index if work.distinct > 1 else 0] for index in range(work.request.k)]
        return _answer(work.request, [self._completion(work, index, one) for index, one in enumerate(made)])

    def _completion(self, work: Open, index: int, made: Made) -> Completion:
        return Completion(
            request=work.request.id, index=index, text=self._text(made), tokens=made.tokens, logprob=made.logprob,
            finish=made.finish, prompt_tokens=work.prompt_tokens,
        )  # fmt: skip

    def _text(self, made: Made) -> str:
        tokens = made.tokens[:-1] if made.tokens and made.tokens[-1] in self._stop else made.tokens
        return answer_text(self._tokenizer, tokens)


def _answer(request: Request, completions: list[Completion]) -> Answer:
    return {"request": request.id, "completions": [row.model_dump(mode="json") for row in completions]}


def _too_long(request: Request, index: int, prompt_tokens: int) -> Completion:
    return Completion(request=request.id, index=index, text="", finish="too_long", prompt_tokens=prompt_tokens)
