"""The model to train: loaded from its directory in float32, whole or with LoRA matrices. Runs in the worker.

    model = load_model(Path("runs/.../embedded-1f0c"), config.train, print)

A start that is an adapter itself is merged into its base; only where adapters are kept (`train.keep_adapter`) its matrices are
trained on, so that every adapter of a run belongs to a whole model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.store.adapter import read_adapter
from selfimprove.train.attention import USUAL


def load_model(
    path: Path, config: Train, say: Callable[[str], None] | None = None, dtype: torch.dtype = torch.float32
) -> Any:
    """In float32: DeepSpeed makes the bfloat16 copy where one is asked for. `say` is told what is lost. Raises TrainError."""
    adapter = read_adapter(path)
    model = load_plain(adapter.base if adapter else path, dtype, say)
    if adapter and config.keep_adapter:
        if (config.lora_rank, config.lora_alpha) != (adapter.rank, adapter.alpha):
            raise TrainError(
                f"{path}: is an adapter of rank {adapter.rank} and alpha {adapter.alpha:g}, which cannot be trained on with "
                f"train.lora_rank={config.lora_rank} and train.lora_alpha={config.lora_alpha}: set them to the same, or "
                "train.keep_adapter=false"
            )
        return with_adapter(model, path, trained=True)
    if adapter:
        # peft freezes a base: merged, all of it can be trained again.
        model = with_adapter(model, path).merge_and_unload().requires_grad_(True)
    return with_lora(model, config) if config.method == "lora" else model


def with_adapter(model: Any, path: Path, *, trained: bool = False) -> Any:
    """The base with the matrices of an adapter beside its own."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(path), is_trainable=trained, local_files_only=True)


def load_plain(path: Path, dtype: torch.dtype | str, say: Callable[[str], None] | None = None) -> Any:
    """Raises TrainError for a directory whose weights are not those of the model that its config.json describes."""
    from transformers import AutoModelForCausalLM

    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            str(path), dtype=dtype, attn_implementation=USUAL, local_files_only=True, use_safetensors=True,
            trust_remote_code=False, output_loading_info=True,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        if isinstance(error, RuntimeError) and "memory" in str(error):
            raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if "ignore_mismatched_sizes" in said:
            said = "the shapes of its weights are not those that its config.json describes"
        raise TrainError(f"{path}: the model cannot be loaded ({said}); name another one") from None
    # transformers draws at random what a file does not hold, and says so in a log that nobody reads.
    if missing := sorted(report["missing_keys"]):
        raise TrainError(f"{path}: lacks {len(missing)} of the model's weights ({missing[0]}, ...); export it again")
    if say and (lost := sorted(report["unexpected_keys"])):
        say(f"{path}: {len(lost)} weights that a language model does not have ({lost[0]}, ...) are not trained, and not exported")
    return model


def with_lora(model: Any, config: Train) -> Any:
    """LoRA on every linear layer but the output layer. Without dropout: a short run on few rows has no use for it."""
    from peft import LoraConfig, get_peft_model

    return get_peft_model(model, LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, lora_dropout=0.0, target_modules="all-linear",
        bias="none", task_type="CAUSAL_LM",
    ))  # fmt: skip
