"""The DeepSpeed configuration of a training, as the dictionary that `deepspeed.initialize` takes.

    deepspeed_config(config.train, learning_rate=1e-4, bf16=False)       # every `auto` is replaced before (`estimate`)

What a user writes below `train.deepspeed` (configs/deepspeed has examples) is laid over it, key by key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from selfimprove.config.model import Train
from selfimprove.errors import TrainError


class Asked(dict[str, Any]):
    """A configuration that notes which of its settings are looked for: DeepSpeed passes over those that it does not know."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__(settings)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def keys(self) -> Any:
        """DeepSpeed asks `name in config.keys()` as well."""
        return self

    def refuse_unknown(self, given: Iterable[str]) -> None:
        """Raises TrainError for the first name that nobody looked for."""
        for name in given:
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, 1)
                raise TrainError(
                    f"train.deepspeed.{name}: DeepSpeed has no such setting"
                    + (f"; did you mean {near[0]}?" if near else ": remove it")
                )


def micro_batch(config: Train) -> int:
    """Rows of one forward pass of one process: never more than its share of the batch."""
    return min(int(config.micro_batch), config.batch // config.processes)


def accumulation(config: Train) -> int:
    """Forward passes of one process for one optimizer step."""
    return -(-config.batch // (micro_batch(config) * config.processes))


def deepspeed_config(config: Train, *, learning_rate: float, bf16: bool) -> dict[str, Any]:
    """ZeRO 0 in float32 leaves clipping to the worker: DeepSpeed clips there too, but keeps the norm to itself."""
    found: dict[str, Any] = {
        # Nominal: the worker forms the batches, the last ones of an epoch may have a row less.
        "train_batch_size": micro_batch(config) * accumulation(config) * config.processes,
        "train_micro_batch_size_per_gpu": micro_batch(config),
        "gradient_accumulation_steps": accumulation(config),
        "gradient_clipping": 0.0 if clips_itself(config, bf16=bf16) else config.max_grad_norm,
        "optimizer": {
            "type": "AdamW",
            # torch's own AdamW: DeepSpeed's needs a compiler at run time. Fused is one pass over memory instead of ten.
            "params": {
                "torch_adam": True, "fused": True, "lr": learning_rate, "betas": [0.9, 0.999], "eps": 1e-8,
                "weight_decay": config.weight_decay,
            },
        },
        # In bfloat16 ZeRO 1 at least: DeepSpeed's optimizer for ZeRO 0 there ended 0.1 nats a token above float32 after six
        # steps of a small model, those for 1 to 3 within 0.005.
        "zero_optimization": {"stage": max(int(config.zero_stage), int(bf16)), **_offload(config)},
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
    }  # fmt: skip
    if bf16:
        found["bf16"] = {"enabled": True}
    if config.offload is True:
        # DeepSpeed's own AdamW for the host is compiled at run time; torch's needs no compiler.
        found["zero_force_ds_cpu_optimizer"] = False
    return _laid_over(found, config.deepspeed)


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = {
        name: _laid_over(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
        for name, value in above.items()
    }
    return {**below, **merged}


def _offload(config: Train) -> dict[str, Any]:
    """What ZeRO keeps in the host's memory."""
    if config.offload is not True:
        return {}
    host = {"device": "cpu", "pin_memory": True}
    return {"offload_optimizer": host, **({"offload_param": host} if config.zero_stage == 3 else {})}


def clips_itself(config: Train, *, bf16: bool) -> bool:
    """Whether the worker clips the gradients instead of DeepSpeed."""
    return config.zero_stage == 0 and not bf16
