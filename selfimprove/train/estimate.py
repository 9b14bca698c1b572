"""How a training fits into memory: size of a forward pass, ZeRO stage and offload, out of the model's size. One estimate.

    plan = fit(config, source(model), max_tokens=2048, memory=80e9, on_gpu=True)
    plan.config.zero_stage, plan.config.micro_batch       # numbers now, where the configuration said `auto`
    plan.sentence                                         # "per process about 61.2 of 80.0 GB: ..."

Bytes of a process for P weights of which T are trained, in float32: 4 P weights, 4 T gradients, 8 T moments; in bfloat16: 2 P,
2 T, and 12 T for moments and the float32 copy. ZeRO 1 divides what belongs to the optimizer among the processes, 2 the
gradients too, 3 the weights as well (Rajbhandari et al. 2020, section 5). Activations on a CPU are measured: see WIDTHS.
What this is not: a promise. A training that runs out of memory all the same is tried once more with half the micro batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from selfimprove.config.model import Train
from selfimprove.train.deepspeed_config import micro_batch
from selfimprove.train.launcher import cores
from selfimprove.train.packing import room
from selfimprove.train.source import Source

WIDTHS = {False: 24, True: 60}
"""Values kept for the backward pass for each token, layer and unit of width, without and with a GPU. On a CPU a Llama block keeps
19, and 13 where its modules are made lean; on a GPU, where norms work in float32 beside bfloat16, it was never measured."""
KEPT: dict[bool | str, float] = {False: 1, "selective": 1 / 2, True: 1 / 6}
"""The share of them that each `train.gradient_checkpointing` keeps, the block that is made again included; measured, too."""
ACTIVATIONS: dict[bool | str, str] = {
    False: "all activations kept", "selective": "cheap activations made again", True: "activations made again",
}  # fmt: skip
LORA_WEIGHTS = 28
"""Trained values for each layer, unit of width and rank: seven matrices of about twice the width on both sides."""
LOGITS = 3 * 1024
"""Positions whose logits are held: a chunk of 1,024, its softmax and its gradient."""
OVERHEAD = 0.8e9
"""Libraries and communication buffers of a process."""
SHARE = 0.9
"""Of the memory that is planned with: the rest is left to what no estimate knows."""
LARGEST = 8
"""Rows of a pass beyond which nothing gets faster."""


@dataclass(frozen=True)
class Plan:
    config: Train
    need: float
    """Bytes of a process; its host memory beside the GPU's, where something is offloaded, is not counted."""
    sentence: str


def fit(config: Train, model: Source, *, max_tokens: int, memory: float, on_gpu: bool) -> Plan:
    """Replaces every `auto` by the least sharding that fits `memory` (bytes for one process; 0: unknown), then by the
    fewest activations made again and the largest pass that do. What is set is kept, whatever it takes. Nothing fits: the
    smallest, and the sentence says so."""
    choices = [
        config.model_copy(update={
            "zero_stage": stage, "offload": offload, "gradient_checkpointing": again, "micro_batch": micro,
        })
        for stage, offload in _shardings(config, on_gpu)
        for again in _made_again(config, stage)
        for micro in _passes(config)
    ]
    room = memory * SHARE or float("inf")
    needs = [estimate(choice, model, max_tokens=max_tokens, on_gpu=on_gpu) for choice in choices]
    best = next((i for i, need in enumerate(needs) if need <= room), needs.index(min(needs)))
    return Plan(choices[best], needs[best], _sentence(choices[best], model, needs[best], memory, max_tokens, on_gpu))


def estimate(config: Train, model: Source, *, max_tokens: int, on_gpu: bool) -> float:
    """Bytes of one process (of its GPU, where it has one) with everything set."""
    bf16 = _bf16(config, on_gpu)
    stage, processes = int(config.zero_stage), config.processes
    trained = _trained(config, model)
    weights, gradients, optimizer = (2 * model.parameters, 2 * trained, 12 * trained) if bf16 else (
        4 * model.parameters, 4 * trained, 8 * trained)  # fmt: skip
    if config.offload and on_gpu:
        optimizer, weights = 0, 0 if stage == 3 else weights
    states = weights / (processes if stage == 3 else 1) + gradients / (processes if stage >= 2 else 1)
    states += optimizer / (processes if stage >= 1 else 1)
    kept = WIDTHS[on_gpu] * KEPT[config.gradient_checkpointing] * (2 if bf16 else 4)
    tokens = tokens_of_a_pass(config, max_tokens=max_tokens, on_gpu=on_gpu)
    activations = tokens * _width(model) * kept + min(tokens, LOGITS) * model.vocabulary * 4
    return states + activations + OVERHEAD


def written(config: Train, model: Source, *, on_gpu: bool) -> float:
    """Bytes of the trained model on the disk."""
    values = _trained(config, model) if config.keep_adapter else model.parameters
    return values * (2 if _bf16(config, on_gpu) else 4)


def _bf16(config: Train, on_gpu: bool) -> bool:
    return config.dtype == "bfloat16" or (config.dtype == "auto" and on_gpu)


def tokens_of_a_pass(config: Train, *, max_tokens: int, on_gpu: bool) -> int:
    """At most. Packed passes on a CPU hold no more than makes them faster."""
    rows = micro_batch(config)
    if on_gpu or not config.packing:
        return rows * max_tokens
    return room(rows=rows, max_tokens=max_tokens, cores=cores(config))


def _shardings(config: Train, on_gpu: bool) -> list[tuple[int, bool]]:
    """(stage, offload), the fastest first: nothing is sharded among one, and without a GPU there is nowhere to offload from."""
    stages = [config.zero_stage] if config.zero_stage != "auto" else [0, 1, 2, 3] if config.processes > 1 else [0]
    found = [(stage, False) for stage in stages if config.offload is not True]
    if config.offload is True or (config.offload == "auto" and on_gpu):
        # Offloading is a part of ZeRO 2 and 3.
        found += [(stage, True) for stage in ([config.zero_stage] if config.zero_stage != "auto" else [2, 3])]
    return found


def _made_again(config: Train, stage: int) -> list[bool | str]:
    """The fastest first. ZeRO-3 gathers weights inside a layer, not the same way twice: there a layer is made again as a whole or
    not at all."""
    wanted = config.gradient_checkpointing
    found: list[bool | str] = [False, "selective", True] if wanted == "auto" else [wanted]
    return list(dict.fromkeys(True if one == "selective" and stage == 3 else one for one in found))


def _passes(config: Train) -> list[int]:
    """Rows of a pass, the largest first."""
    if config.micro_batch != "auto":
        return [config.micro_batch]
    most = min(LARGEST, max(1, config.batch // config.processes))
    return sorted({most, *(2**i for i in range(4) if 2**i < most)}, reverse=True)


def _trained(config: Train, model: Source) -> int:
    return _width(model) * config.lora_rank * LORA_WEIGHTS if config.method == "lora" else model.parameters


def _width(model: Source) -> int:
    """Units of width of all layers together; where the configuration does not tell, as of a model whose blocks hold all
    weights: a block of width h has about 12 h squared."""
    return model.hidden * model.layers or round((model.parameters / 12 * 30) ** 0.5)


def _sentence(config: Train, model: Source, need: float, memory: float, max_tokens: int, on_gpu: bool) -> str:
    rows, processes = int(config.micro_batch), config.processes
    passes = -(-config.batch // (rows * processes))
    what = "LoRA" if config.method == "lora" else "full training"
    said = (
        f"{what} of {model.parameters / 1e6:.0f} million weights takes about {need / 1e9:.1f} GB"
        + (f" of the {memory / 1e9:.1f} GB" if memory else "")
        + f" that a process {'finds on its GPU' if on_gpu else 'may take'}, with train.micro_batch={rows} of {max_tokens} tokens "
        f"({passes} passes a step), train.zero_stage={config.zero_stage}" + (" and offload to the host" if config.offload else "")
        + f", {ACTIVATIONS[config.gradient_checkpointing]}"
    )
    if memory and need > memory * SHARE:
        said += "; that may not fit: use train.method=lora, train.gradient_checkpointing=true or more train.processes"
    return said
