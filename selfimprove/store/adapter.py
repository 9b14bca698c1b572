"""A model that is kept as a LoRA adapter: small matrices in a directory of their own, and the base that they belong to.

    adapter = read_adapter(Path("runs/demo/round-001/train/model"))      # None: a whole model
    adapter.base, adapter.digest

Such a directory is spoken to like a whole model: it has tokenizer and template of its base. It has no config.json of its own,
so that transformers and peft find the base by themselves. What this is not: the proof that the base is still the one it was
trained on (`models.check_adapter`).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import Field, ValidationError

from selfimprove.errors import ModelError
from selfimprove.records.base import Record
from selfimprove.records.keys import digest
from selfimprove.store.layout import write_json

CONFIG, CARD, WEIGHTS = "adapter_config.json", "adapter.json", "adapter_model.safetensors"
"""The first and the last are peft's own; the second says what belongs together."""


class Card(Record):
    """`adapter.json`: what the adapter is called, and which base it was trained on."""

    digest: str
    base_digest: str


class Adapter(Record):
    base: Path
    base_digest: str
    digest: str
    """Of its matrices and of its base: its name."""
    rank: int = Field(ge=1)
    alpha: float


def is_adapter(path: Path) -> bool:
    return (path / CONFIG).is_file()


def read_adapter(path: Path) -> Adapter | None:
    """None for a whole model. Raises ModelError for an adapter from elsewhere: nothing says what its base was."""
    if not is_adapter(path):
        return None
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        card = Card.model_validate_json((path / CARD).read_text(encoding="utf-8"))
        return Adapter(
            base=config["base_model_name_or_path"], rank=config["r"], alpha=config["lora_alpha"],
            **card.model_dump(),
        )  # fmt: skip
    except FileNotFoundError:
        base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
        raise ModelError(
            f"{path}: is a LoRA adapter for {base or 'another model'} without {CARD}, so nothing says what its base was; merge "
            "it into its base and name the result"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        why = str(error).splitlines()[0]
        raise ModelError(f"{path}: its {CONFIG} or {CARD} cannot be read ({why}); train or merge it again") from None


def whole(path: Path) -> Path:
    """The directory that says what sort of model it is: the base of an adapter."""
    adapter = read_adapter(path)
    return adapter.base if adapter else path


def write_card(path: Path, base_digest: str) -> None:
    write_json(path / CARD, Card(digest=name_of(path, base_digest), base_digest=base_digest).model_dump())


def name_of(path: Path, base_digest: str) -> str:
    """The digest of an adapter, from its files."""
    with (path / WEIGHTS).open("rb") as file:
        return digest({"weights": hashlib.file_digest(file, "sha256").hexdigest(), "base": base_digest})
