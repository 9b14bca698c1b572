"""vLLM's offline engine, stepped by us so that completions leave as they finish. Imported in worker processes only.

Measured choices for CPUs (design: two cores without AVX-512): the engine inside this process; eager, since compiling
costs 200 s for 10 % of speed; float32, since bfloat16 is six times slower without AMX.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vllm import EngineArgs, LLMEngine, SamplingParams
from vllm.lora.request import LoRARequest
from vllm.sampling_params import RequestOutputKind

from selfimprove.engine.backend import Made, Sample
from selfimprove.engine.settings import Spec
from selfimprove.store.adapter import read_adapter

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes."""
STEP_TOKENS = 2048
BLOCK = 32


class VllmBackend:
    def __init__(self, spec: Spec) -> None:
        self._given: dict[str, tuple[int, ...]] = {}
        adapter = read_adapter(Path(spec.model))
        # Named by its digest, so that no other adapter is ever taken for it.
        self._adapter = LoRARequest(adapter.digest, 1, spec.model) if adapter else None
        self._engine = LLMEngine.from_engine_args(EngineArgs(**engine_arguments(spec)))

    @property
    def busy(self) -> bool:
        return bool(self._engine.has_unfinished_requests())

    def add(self, name: str, sample: Sample) -> None:
        tokens = [*sample.prompt, *sample.given]
        self._given |= {name: sample.given} if sample.given else {}
        settings = weighing() if sample.given else sampling(sample)
        self._engine.add_request(name, {"prompt_token_ids": tokens}, settings, lora_request=self._adapter)

    def step(self) -> list[Made]:
        return [_made(o, self._given.pop(o.request_id, ())) for o in self._engine.step() if o.finished]

    def close(self) -> None:
        self._engine.engine_core.shutdown()


def engine_arguments(spec: Spec) -> dict[str, Any]:
    """Also the settings of the raw engine that the benchmarks compare with (`benchmarks/_raw.py`)."""
    common: dict[str, Any] = {
        "model": spec.model, "dtype": spec.dtype, "max_model_len": spec.max_model_len, "max_num_seqs": spec.max_sequences,
        "tensor_parallel_size": spec.tensor_parallel, "seed": spec.seed, "enable_prefix_caching": True,
        "disable_log_stats": True, "generation_config": "vllm",
    }  # fmt: skip
    if adapter := read_adapter(Path(spec.model)):
        room = min((rank for rank in LORA_RANKS if rank >= adapter.rank), default=adapter.rank)
        common |= {"model": str(adapter.base), "enable_lora": True, "max_lora_rank": room}
    if spec.device == "cuda":
        return {**common, "gpu_memory_utilization": spec.gpu_memory_share}
    return {
        **common,
        "distributed_executor_backend": "uni",
        "enforce_eager": True,
        # A prompt prefilled in chunks kills the engine as soon as a request has a seed: "CPU Generator does not use
        # offset" (vllm 51226). So whole prompts only, and every step has room for the longest one.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(STEP_TOKENS, spec.max_model_len),
        # In bytes, since VLLM_CPU_KVCACHE_SPACE takes whole GB only.
        "kv_cache_memory_bytes": spec.kv_cache_bytes,
        # Prompts share whole blocks only: the default of 128 recomputes half of a short prompt for each of its samples.
        "block_size": BLOCK,
    }


def sampling(sample: Sample) -> SamplingParams:
    """Every sampled request has a seed: on a CPU, seeds are ignored in batches where one has none (vllm 51226)."""
    return SamplingParams(
        temperature=sample.temperature, top_p=sample.top_p, top_k=sample.top_k, max_tokens=sample.max_tokens,
        seed=sample.seed, stop_token_ids=list(sample.stop), logprobs=0, detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )  # fmt: skip


def weighing() -> SamplingParams:
    """For an answer that stands at the prompt's end: the log-probabilities of the prompt, and one token that is thrown away."""
    return SamplingParams(
        temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY
    )


def _made(output: Any, given: tuple[int, ...]) -> Made:
    if given:
        last = output.prompt_logprobs[-len(given) :]
        total = sum(float(position[token].logprob) for position, token in zip(last, given, strict=True))
        return Made(output.request_id, given, total / len(given), "stop")
    answer = output.outputs[0]
    tokens = tuple(answer.token_ids)
    mean = answer.cumulative_logprob / len(tokens) if tokens and answer.cumulative_logprob is not None else None
    return Made(output.request_id, tokens, mean, "length" if answer.finish_reason == "length" else "stop")
