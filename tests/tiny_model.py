"""A complete model directory of a few megabytes: a random Llama with a small tokenizer of its own, made in seconds.

    python -m tests.tiny_model OUT

It answers nonsense, but it loads, generates, trains and is exported like a real one, so tests of the machinery need no
download and no half minute of conversion. Single characters are tokens, so any text can be written and read back.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = (
    "system user assistant Tools tool_call name arguments string integer number boolean array object required weather "
    "city date time find book send list search the a of in for to and is what my me please missing no suitable tool"
).split()


def main() -> None:
    print(build(Path(sys.argv[1])))


def build(out: Path, seed: int = 0) -> Path:
    """Writes weights, tokenizer, template and `selfimprove.json` into `out`; the same seed makes the same model."""
    from selfimprove.chat.families import install

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(out)
    _model(len(tokenizer), seed).save_pretrained(out)
    install(out, "selfimprove")
    return out


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bare.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=CONTROL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bare.train_from_iterator([f" {word} {word}" for word in WORDS * 4], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bare, bos_token=CONTROL[1], eos_token=CONTROL[2], pad_token=CONTROL[0], unk_token=CONTROL[0],
        padding_side="left", model_max_length=2048,
    )  # fmt: skip


def _model(vocabulary: int, seed: int) -> Any:
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True, initializer_range=0.1,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return model


if __name__ == "__main__":
    main()
