"""Small models for the test of the gate: a toy that a tiny Llama learns in seconds, and what is done with them beside torch.

    warm.call("tests.e2e.shop:new", model)                     # random weights, and a tokenizer of the toy's words
    warm.call("tests.e2e.shop:noisy", model, "0.3", copy)      # a copy with noise on its weights
    warm.call("tests.e2e.shop:measured", folder, model, ...)   # FOLDER/NAME/gate.outputs.jsonl of each

The toy: say the colour that stands in the request. Wordings of the gate are in no training row.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.evaluate import Job, measure
from selfimprove.models import model_digest
from selfimprove.records import Answer, Call, Completion, Request, Sample, Tool
from selfimprove.store.champion import Model
from selfimprove.subtasks import use
from selfimprove.tools.suite import Suite, item_of

LAMP = Tool(name="lamp", description="Set a lamp.", parameters={
    "type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]})  # fmt: skip
COLOURS = ("red", "blue", "green", "white")
OPENERS = {
    "train": (
        "Make it", "Turn the lamp", "I want", "Please choose", "Switch to", "Give me", "Set", "Now take", "Let us have", "Use",
    ),
    "gate": ("Could it be", "Show", "Change it to", "How about"),
}  # fmt: skip
CLOSERS = {"train": ("now", "please", "for tonight", "today", "at once", "for me"), "gate": ("thanks", "this evening", "soon")}
ENGINE = EngineConfig(kind="transformers")


def samples(part: str) -> list[Sample]:
    return [
        Sample(id=f"{part}-{c}-{i}-{j}", query=f"{opener} {c} {closer}.", tools=(LAMP,), answer=answer(c))
        for c in COLOURS for i, opener in enumerate(OPENERS[part]) for j, closer in enumerate(CLOSERS[part])
    ]  # fmt: skip


def answer(colour: str) -> Answer:
    return Answer(calls=(Call(name="lamp", arguments={"colour": colour}),))


def new(out: str) -> None:
    from tests import tiny_model, tokenizer

    rows = [use.row(s, s.answer, "seed") for part in OPENERS for s in samples(part) if s.answer]
    texts = [LAMP.model_dump_json(), *(m.content for row in rows for m in row.messages), *(row.target for row in rows)]
    tokenizer.save(Path(out), "hermes", texts=texts)
    tiny_model.build(Path(out), tokenizer=tokenizer.load_tokenizer(Path(out)))


def noisy(path: str, share: str, out: str) -> None:
    """Noise with so much of each matrix' own standard deviation."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(path)
    for weights in model.parameters():
        if weights.dim() > 1:
            weights.data.add_(torch.randn_like(weights) * float(share) * weights.std())
    shutil.copytree(path, out)
    model.save_pretrained(out)


class Here:
    """An engine in this process: what an engine's worker runs, without its pipes and its ten seconds of start."""

    def __init__(self, path: Path) -> None:
        from selfimprove.engine.backend import load_backend
        from selfimprove.engine.desk import Desk
        from selfimprove.engine.settings import plan_workers

        self._spec = plan_workers(ENGINE, path, seed=0)[0][0]
        self._desk = Desk(path, load_backend(self._spec), self._spec.max_model_len)

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for request in requests:
            self._desk.accept(request.model_dump(mode="json"))
        while self._desk.busy:
            for found in self._desk.work():
                yield from map(Completion.model_validate, found["completions"])

    def close(self) -> None: ...

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None: ...


def measured(folder: str, *models: str) -> None:
    gate = Suite("gate", tuple(map(item_of, samples("gate"))))
    for path in map(Path, models):
        job = Job(Model(name=path.name, path=path, digest=model_digest(path)), ENGINE, max_tokens=40)
        measure(job, {"gate": gate}, Path(folder) / path.name, "evaluate", engine=Here(path))
