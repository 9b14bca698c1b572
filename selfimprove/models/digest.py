"""What identifies a model: the content of its weights, configuration, tokenizer and template; never its path or times.

    model_digest(Path("models/mine")) == model_digest(Path("copies/mine"))

Hashing half a gigabyte takes a second, so each file's hash is kept in a side file, keyed by its size and time of change.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from selfimprove.errors import ModelError
from selfimprove.records import digest

SIDE_FILE = ".digests.json"
PATTERNS = (
    "*.safetensors", "pytorch_model*.bin", "*.index.json", "config.json", "adapter.json", "generation_config.json",
    "selfimprove.json", "tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model",
    "*.jinja",
)  # fmt: skip
"""Only what decides what a model says: a card or a log beside the weights changes nothing."""


def model_digest(path: Path) -> str:
    """16 hexadecimal digits. Raises ModelError for a directory without any of a model's files."""
    known = _load(path)
    files = sorted({file for pattern in PATTERNS for file in path.glob(pattern) if file.name != SIDE_FILE})
    if not files:
        raise ModelError(f"{path}: holds no model files; give the directory that holds config.json and the weights")
    found = {file.name: _hash(file, known.get(file.name)) for file in files}
    if found != known:
        _save(path, found)
    return digest({name: entry["sha256"] for name, entry in found.items()})


def _hash(file: Path, known: Any) -> dict[str, Any]:
    state = file.stat()
    stamp = [state.st_size, state.st_mtime_ns]
    if isinstance(known, dict) and known.get("stamp") == stamp:
        return known
    with file.open("rb") as opened:
        return {"stamp": stamp, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}


def _load(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((path / SIDE_FILE).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _save(path: Path, found: dict[str, Any]) -> None:
    """A model directory may be read-only: then it is hashed each time."""
    temporary = path / f"{SIDE_FILE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(found, indent=1), encoding="utf-8")
        temporary.replace(path / SIDE_FILE)
