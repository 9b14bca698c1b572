"""The model to train, looked at from its files alone before anything is started: no model library, no pickle opened.

    source(Path("models/mine")).parameters      # TrainError: models/mine: its weights are a pickle (...), which can run code ...

What this is not: `models.check`, which only asks whether there is a model. Here the headers of the weights are read: what
is cut off, renamed, or code in disguise is refused in a sentence instead of failing (or worse, running) in a rank.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfimprove.errors import ModelError, TrainError
from selfimprove.models import check_adapter

PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl")
LONGEST_HEADER = 100_000_000
"""Bytes; what the safetensors library itself allows."""
AGAIN = "download or export the model again"


@dataclass(frozen=True)
class Source:
    """`parameters` in all; the shape as `config.json` gives it, 0 where it does not."""

    parameters: int
    hidden: int
    layers: int
    vocabulary: int


def source(path: Path) -> Source:
    """Raises TrainError in one sentence for a directory that cannot be trained."""
    try:
        adapter = check_adapter(path)
    except ModelError as error:
        raise TrainError(str(error)) from None
    if adapter:
        return source(adapter.base)
    if not (path / "config.json").is_file():
        raise TrainError(f"{path}: is no model directory (it has no config.json); name a model in safetensors form")
    config = _json(path / "config.json")
    if not isinstance(config.get("model_type"), str):
        raise TrainError(f"{path / 'config.json'}: names no model_type; {AGAIN}")
    # Models with several parts (text and vision) describe their text part in a section of its own.
    shape = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    return Source(
        sum(_parameters(file) for file in _files(path)),
        *(_number(shape, name) for name in ("hidden_size", "num_hidden_layers", "vocab_size")),
    )


def _files(path: Path) -> list[Path]:
    """The safetensors files of a model: those of its index where it has one."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        named = _json(index).get("weight_map")
        names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
        for name in names:
            if "/" in name or not name.endswith(".safetensors") or not (path / name).is_file():
                raise TrainError(f"{index}: names {name!r}, which is no safetensors file beside it; {AGAIN}")
        if not names:
            raise TrainError(f"{index}: has no weight_map; {AGAIN}")
        return [path / name for name in names]
    found = sorted(path.glob("*.safetensors"))
    if not found:
        pickles = [file.name for pattern in PICKLES for file in sorted(path.glob(pattern))]
        if pickles:
            raise TrainError(
                f"{path}: its weights are a pickle ({pickles[0]}), which can run code when opened; convert them to safetensors"
            )
        raise TrainError(f"{path}: has no weights (*.safetensors); {AGAIN}")
    return found


def _parameters(file: Path) -> int:
    """Numbers in a safetensors file, by its header: 8 bytes of length, JSON, then the tensors (the format's documentation)."""
    if not file.is_file():
        raise TrainError(f"{file}: is no file; {AGAIN}")
    size = file.stat().st_size
    with file.open("rb") as opened:
        begin = opened.read(8)
        if begin[:1] == b"\x80" or begin[:2] == b"PK":
            raise TrainError(
                f"{file}: is a pickle under the name of a safetensors file, which can run code when opened; convert it"
            )
        length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 0
        if not 2 <= length <= min(LONGEST_HEADER, size - 8):
            raise TrainError(f"{file}: is no safetensors file, or cut off; {AGAIN}")
        try:
            tensors = {name: one for name, one in json.loads(opened.read(length)).items() if name != "__metadata__"}
            end = max((one["data_offsets"][1] for one in tensors.values()), default=0)
            count = sum(math.prod(one["shape"]) for one in tensors.values())
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise TrainError(f"{file}: its header is no safetensors header; {AGAIN}") from None
    if size != 8 + length + end:
        raise TrainError(f"{file}: has {size} bytes where its header promises {8 + length + end}; {AGAIN}")
    return int(count)


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TrainError(f"{file}: cannot be read ({str(error).splitlines()[0]}); {AGAIN}") from None
    if not isinstance(found, dict):
        raise TrainError(f"{file}: is no JSON object; {AGAIN}")
    return found


def _number(shape: Any, name: str) -> int:
    value = shape.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
