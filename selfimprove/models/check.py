"""Whether a directory holds a model that every stage can load, decided from its files alone, before any work.

    check_model(Path("models/mine"))      # ModelError: models/mine: has no tokenizer (tokenizer.json); ...
"""

from __future__ import annotations

import json
from pathlib import Path

from selfimprove.chat.families import family_of
from selfimprove.errors import ModelError

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")


def check_model(path: Path) -> None:
    """Raises ModelError in one sentence for the first thing that is missing."""
    if not path.is_dir():
        raise ModelError(f"{path}: is not a directory; give the directory that holds config.json and the weights")
    _readable(path / "config.json", "has no config.json; it is not a model directory in the format of transformers")
    if not any((path / name).exists() for name in TOKENIZERS):
        raise ModelError(f"{path}: has no tokenizer (tokenizer.json); copy the tokenizer files of its base model there")
    if not any(file.stat().st_size for pattern in WEIGHTS for file in path.glob(pattern)):
        raise ModelError(f"{path}: has no weights (*.safetensors); download or export them again")
    family_of(path)


def _readable(file: Path, otherwise: str) -> None:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{file.parent}: {otherwise}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error}); download or export the model again") from None
