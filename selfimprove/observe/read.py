"""Reading the files of a run that may be in the middle of being written. Reading never changes a file.

    rows(folder / "attempts.jsonl")            # the whole lines that are there; [] when the file is not
    settings(folder / "config.yaml")           # {"train.batch": 8, ...}

`store.jsonl.read_growing` is not used here: it cuts a torn last line off, which only the writer of a file may do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from selfimprove.errors import StoreError

R = TypeVar("R", bound=BaseModel)


def stream(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, line by line; a line that is torn or damaged is left out."""
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield value
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def rows(path: Path) -> list[dict[str, Any]]:
    return list(stream(path))


def settings(path: Path) -> dict[str, Any]:
    """A frozen configuration as dotted keys, whether it was written nested or flat; {} when it is not there."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); restore it or use another run.name") from None
    return dict(flatten(content)) if isinstance(content, dict) else {}


def record(path: Path, value: Any, kind: type[R]) -> R:
    """A value of a file of ours as a record; StoreError when it is none."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        why = f"{'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
        raise StoreError(f"{path}: cannot be used ({why}); restore it or use another run.name") from None


def flatten(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from flatten(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def number(value: Any) -> float | None:
    """A finite number, or None for anything else: null or NaN may stand where nothing was measured."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
