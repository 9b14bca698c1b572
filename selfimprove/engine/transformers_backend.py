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
        taken = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
        weighed = self._weigh([(name, sample) for name, sample in taken if sample.given])
        batch = [(name, sample) for name, sample in taken if not sample.given]
        return [*weighed, *(self._sample(batch) if batch else ())]

    def _weigh(self, batch: list[tuple[str, Sample]]) -> list[Made]:
        """One pass over prompts with their answers: the mean log-probability of each answer's tokens."""
        if not batch:
            return []
        ids, mask = padded([[*sample.prompt, *sample.given] for _, sample in batch])
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        longest = max(len(sample.given) for _, sample in batch)
        ids, mask, positions = ids.to(self._device), mask.to(self._device), positions.to(self._device)
        out = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=longest + 1)
        # The logits at one position are about the token at the next.
        logprobs = out.logits[:, :-1].float().log_softmax(-1).cpu()
        return [Made(name, s.given, weight(logprobs[row], s.given), "stop") for row, (name, s) in enumerate(batch)]

    def _sample(self, batch: list[tuple[str, Sample]]) -> list[Made]:
        rows = [Row(name, sample) for name, sample in batch]
        ids, mask = padded([sample.prompt for _, sample in batch])
        ids, mask = ids.to(self._device), mask.to(self._device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache: Any = DynamicCache()
        while True:
            out = self._model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1
            )
            logits = out.logits[:, -1].float().cpu()
            tokens = choose(logits, [sample for _, sample in batch], [row.draw() for row in rows])
            logprobs = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(1)
            for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
                row.take(token, logprob)
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

    def draw(self) -> float:
        """A number in [0, 1): one for each token, from this sequence's own generator."""
        return float(torch.rand(1, generator=self._generator, dtype=torch.float64))

    def take(self, token: int, logprob: float) -> None:
        if self.finish:
            return
        self.tokens.append(token)
        self._sum += logprob
        if token in self.sample.stop:
            self.finish = "stop"
        elif len(self.tokens) == self.sample.max_tokens:
            self.finish = "length"

    def made(self) -> Made:
        return Made(self.name, tuple(self.tokens), self._sum / len(self.tokens), self.finish)


def weight(logprobs: torch.Tensor, given: tuple[int, ...]) -> float:
    """Mean log-probability of the last tokens: [positions, vocabulary], of which the last len(given) are theirs."""
    return float(logprobs[-len(given) :].gather(1, torch.tensor(given)[:, None]).mean())


def padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, mask), padded on the left so that every prompt ends where the first new token begins."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def choose(logits: torch.Tensor, samples: list[Sample], draws: list[float]) -> torch.Tensor:
    """The next token of each row [rows, vocabulary] -> [rows]: temperature, then top-k, then the nucleus, as in vLLM.

    A draw picks by inverse distribution function among the candidates in falling order, so equal draws and equal logits
    give equal tokens in any batch.
    """
    most = max(_candidates(sample, logits.shape[1]) for sample in samples)
    scores, order = logits.topk(most)
    temperature = torch.tensor([sample.temperature or 1.0 for sample in samples])[:, None]
    kept = torch.tensor([_candidates(sample, logits.shape[1]) for sample in samples])[:, None]
    scores = (scores / temperature).masked_fill(torch.arange(most) >= kept, float("-inf"))
    weights = scores.double().softmax(1)
    nucleus = torch.tensor([sample.top_p for sample in samples], dtype=torch.float64)[:, None]
    before = weights.cumsum(1) - weights
    weights = weights.masked_fill((before >= nucleus) & (nucleus < 1), 0)
    total = weights.cumsum(1)
    point = torch.tensor(draws, dtype=torch.float64)[:, None] * total[:, -1:]
    # A draw that rounding lifts onto the total would fall behind the last candidate with any weight.
    last = (weights > 0).sum(1, keepdim=True) - 1
    return order.gather(1, torch.searchsorted(total, point, right=True).minimum(last))[:, 0]


def _candidates(sample: Sample, vocabulary: int) -> int:
    if sample.temperature == 0:
        return 1
    return min(sample.top_k or vocabulary, vocabulary)
