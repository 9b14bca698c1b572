"""Small tokenizers for tests: byte-level BPE, or with the space in front that SentencePiece puts there, made in a second.

    load(folder, "llama3")      # a tokenizer of a model directory with the template tests/templates/llama3.jinja
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from selfimprove.chat.render import load_tokenizer

TEMPLATES = Path(__file__).parent / "templates"
ROOT = Path(__file__).resolve().parent.parent
SPECIAL = {
    "llama": ["<|begin_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|python_tag|>"],
    "mistral": ["<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
                "[/TOOL_RESULTS]", "[ARGS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"],
    "chatml": ["<|endoftext|>", "<|im_end|>", "<|im_start|>"],
}  # fmt: skip
STYLE = {"llama3": "llama", "pythonic": "llama", "mistral": "mistral", "mistral-args": "mistral"}


def save(
    folder: Path, template: str, source: str | None = None, *, space: bool = False, texts: Sequence[str] = ()
) -> Path:
    """A model directory without weights. `source` replaces the text of the template; `space`: as SentencePiece does. Its words
    are those of `texts`, else of the documentation."""
    from transformers import PreTrainedTokenizerFast

    special = SPECIAL[STYLE.get(template, "chatml")]
    bare = Tokenizer(models.BPE(unk_token=None))
    if space:
        bare.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
        bare.decoder = decoders.Metaspace(prepend_scheme="always")
    else:
        bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bare.decoder = decoders.ByteLevel()
    alphabet = [chr(i) for i in range(32, 127)] + ["\n", "é", "\u2028"] if space else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1500, initial_alphabet=list(alphabet), special_tokens=special, show_progress=False)
    bare.train_from_iterator(texts or [(ROOT / "README.md").read_text(), (ROOT / "docs" / "formats.md").read_text()], trainer)
    # Only two are named: the others are special all the same, as in Llama 3, where most tools overlook them.
    made = PreTrainedTokenizerFast(tokenizer_object=bare, bos_token=special[0], eos_token=special[1])
    made.chat_template = source if source is not None else (TEMPLATES / f"{template}.jinja").read_text()
    folder.mkdir(parents=True, exist_ok=True)
    made.save_pretrained(folder)
    return folder


def load(folder: Path, template: str, source: str | None = None, *, space: bool = False) -> Any:
    return load_tokenizer(save(folder, template, source, space=space))
