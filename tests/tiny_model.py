"""A complete model directory of 13 MB: a random Llama of 3 million weights with SmolLM2's tokenizer, made in seconds.

    python -m tests.tiny_model OUT

It answers nonsense, but it loads, generates, trains and is exported like a real one, and its prompts have as many tokens
as the embedded model's. So tests of the machinery need neither a download nor half a minute of conversion.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def main() -> None:
    print(build(Path(sys.argv[1])))


def build(out: Path, seed: int = 0, wide: int = 128, tokenizer: Any = None) -> Path:
    """Writes weights, tokenizer, template and `selfimprove.json` into `out`; the same seed makes the same model.

    `wide` is the size of the inner layers: what a forward pass takes grows with it, and nearly nothing else does.
    `tokenizer`: another than SmolLM2's, whose 49,152 words take most of the time of a training.
    """
    from selfimprove.chat.families import install
    from selfimprove.models.convert import load_tokenizer
    from selfimprove.models.embedded import find_gguf

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer or load_tokenizer(find_gguf())
    tokenizer.save_pretrained(out)
    _model(tokenizer, seed, wide).save_pretrained(out)
    install(out, "selfimprove")
    return out


def _model(tokenizer: Any, seed: int, wide: int) -> Any:
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    ids = {
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=wide, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=2048, tie_word_embeddings=True, initializer_range=0.1, **ids,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(**ids)
    return model


if __name__ == "__main__":
    main()
