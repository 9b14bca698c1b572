"""The reference backend: a plain sampling loop over transformers, on any device. Correct rather than fast.

Each sequence draws from a generator of its own, seeded by the request, so a sample never depends on its neighbours.
`generate` of transformers cannot do that: it has one generator for a whole batch. Imported in worker processes only.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from selfimprove.engine.backend import Made, Sample
from selfimprove.engine.settings import Spec


class TransformersBackend:
    def __init__(self, spec: Spec) -> None:
        dtype = spec.dtype if spec.dtype == "auto" else getattr(torch, spec.dtype)
        model = AutoModelForCausalLM.from_pretrained(spec.model, dtype=dtype, local_files_only=True)
        self._model = model.to(spec.device).eval()
        self._device = spec.device
        self._size = spec.max_sequences
        self._waiting: deque[tuple[str, Sample]] = deque()

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def add(self, name: str, sample: Sample) -> None:
        if not sample.prompt:
            raise ValueError("the prompt is empty")
        self._waiting.append((name, sample))

    @torch.inference_mode()
    def step(self) -> list[Made]:
        """One whole batch of at most `max_sequences`."""
        batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
        rows = [Row(name, sample) for name, sample in batch]
        ids, mask = padded([sample.prompt for _, sample in batch])
        ids, mask = ids.to(self._device), mask.to(self._device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache: Any = DynamicCache()
        while True:
            out = self._model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1
            )
            for row, logits in zip(rows, out.logits[:, -1].float().cpu(), strict=True):
                row.take(logits)
            if all(row.finish for row in rows):
                return [row.made() for row in rows]
            # A finished row goes on as padding that nothing attends to but itself; its output is ignored.
            ids = torch.tensor([[row.tokens[-1]] for row in rows], device=self._device)
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
            positions = positions[:, -1:] + 1

    def close(self) -> None:
        del self._model


class Row:
    """One sequence in the making."""

    def __init__(self, name: str, sample: Sample) -> None:
        self.name, self.sample = name, sample
        self.tokens: list[int] = []
        self.finish: Any = None
        self._sum = 0.0
        self._generator = torch.Generator().manual_seed(sample.seed)

    def take(self, logits: torch.Tensor) -> None:
        """Chooses the next token from the logits of this position."""
        if self.finish:
            return
        token = choose(logits, self.sample, self._generator)
        self.tokens.append(token)
        self._sum += float(logits.log_softmax(-1)[token])
        if token in self.sample.stop:
            self.finish = "stop"
        elif len(self.tokens) == self.sample.max_tokens:
            self.finish = "length"

    def made(self) -> Made:
        return Made(self.name, tuple(self.tokens), self._sum / len(self.tokens), self.finish)


def padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, mask), padded on the left so that every prompt ends where the first new token begins."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def choose(logits: torch.Tensor, sample: Sample, generator: torch.Generator) -> int:
    """Temperature, then top-k, then the nucleus of what is left: the order of vLLM."""
    if sample.temperature == 0:
        return int(logits.argmax())
    scores = logits / sample.temperature
    if 0 < sample.top_k < scores.numel():
        scores = scores.masked_fill(scores < scores.topk(sample.top_k).values[-1], float("-inf"))
    if sample.top_p < 1:
        probabilities, order = scores.softmax(-1).sort(descending=True)
        outside = probabilities.cumsum(-1) - probabilities >= sample.top_p
        scores = scores.index_fill(0, order[outside], float("-inf"))
    return int(torch.multinomial(scores.softmax(-1), 1, generator=generator))
