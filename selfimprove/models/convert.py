"""The child that turns the embedded GGUF into a directory of float32 safetensors and tokenizer files, and tries it.

    python -m selfimprove.models.convert MODEL.gguf OUT      # rows {"step", "done", "total"} on standard output

What this is not: a general GGUF converter. It corrects what is wrong with this one file: the tokenizer's splitting of
digits (lost in GGUF) and a padding token that equals the end of turn, so that a model never learns to stop (trl 1623).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from selfimprove.child import end_with_parent

QUESTION, ANSWER = "The capital of France is", "Paris"
STEPS = 4


def main() -> None:
    gguf, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print belongs in the log
    end_with_parent()

    def tell(step: str, done: int) -> None:
        rows.write(json.dumps({"step": step, "done": done, "total": STEPS}) + "\n")

    tell("loading libraries", 0)
    tokenizer = load_tokenizer(gguf)
    tell("reading weights", 1)
    model = load_model(gguf, tokenizer)
    tell("writing", 2)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    tell("trying it", 3)
    said = continuation(out)
    if ANSWER not in said:
        rows.write(json.dumps({"failed": f"the converted model continues {QUESTION!r} with {said!r}"}) + "\n")
        return
    tell("ready", STEPS)


def load_tokenizer(gguf: Path) -> Any:
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    # SmolLM's tokenizer splits digits first (llama.cpp calls it `smollm`); the generic GGUF reader forgets that, and
    # white space in front of numbers would be cut otherwise than in training.
    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.pad_token = "<|endoftext|>"
    tokenizer.padding_side = "left"
    tokenizer.model_max_length = 8192
    return tokenizer


def load_model(gguf: Path, tokenizer: Any) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig, GgufConfig

    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),  # without it, save_pretrained refuses
    )  # fmt: skip
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    model.config.update({**ids, "pad_token_id": tokenizer.pad_token_id})
    model.generation_config = GenerationConfig(**ids, pad_token_id=tokenizer.pad_token_id)
    return model


def continuation(directory: Path) -> str:
    """Ten greedy tokens of the model as written, loaded back: what was written is what is tried."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(directory), local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(str(directory), local_files_only=True, dtype=torch.float32)
    inputs = tokenizer(QUESTION, return_tensors="pt")
    with torch.no_grad():
        made = model.generate(**inputs, max_new_tokens=10, do_sample=False)
    return str(tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


if __name__ == "__main__":
    main()
