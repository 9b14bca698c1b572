"""Whether a directory holds a model that every stage can load, decided from its files alone, before any work.

    check_model(Path("models/mine"))      # ModelError: models/mine: has no tokenizer (tokenizer.json); ...
    check_adapter(Path("models/mine"))    # ModelError: models/mine: is an adapter for another base: ...
"""

from __future__ import annotations

import json
from pathlib import Path

from selfimprove.chat.families import family_of
from selfimprove.errors import ModelError
from selfimprove.models.digest import model_digest
from selfimprove.store.adapter import WEIGHTS as MATRICES
from selfimprove.store.adapter import Adapter, name_of, read_adapter, whole

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")


def check_model(path: Path) -> None:
    """Raises ModelError in one sentence for the first thing that is missing."""
    if not path.is_dir():
        raise ModelError(f"{path}: is not a directory; give the directory that holds config.json and the weights")
    _readable(whole(path) / "config.json", "has no config.json; it is not a model directory in the format of transformers")
    if not any((path / name).exists() for name in TOKENIZERS):
        raise ModelError(f"{path}: has no tokenizer (tokenizer.json); copy the tokenizer files of its base model there")
    if not any(file.stat().st_size for pattern in WEIGHTS for file in path.glob(pattern)):
        raise ModelError(f"{path}: has no weights (*.safetensors); download or export them again")
    family_of(path)
    check_adapter(path)


def check_adapter(path: Path) -> Adapter | None:
    """None for a whole model. Raises ModelError for an adapter whose base, or whose matrices, are others than once."""
    adapter = read_adapter(path)
    if adapter is None:
        return None
    if not adapter.base.is_dir():
        raise ModelError(f"{path}: is an adapter for {adapter.base}, which is not there; put that model back")
    if (found := model_digest(adapter.base)) != adapter.base_digest:
        raise ModelError(
            f"{path}: is an adapter for another base: {adapter.base} is {found} now and was {adapter.base_digest} when it was "
            "trained; put that model back"
        )
    if not (path / MATRICES).is_file() or name_of(path, adapter.base_digest) != adapter.digest:
        raise ModelError(f"{path / MATRICES}: does not hold the matrices of the adapter {adapter.digest}; train it again")
    return adapter


def _readable(file: Path, otherwise: str) -> None:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{file.parent}: {otherwise}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error}); download or export the model again") from None
