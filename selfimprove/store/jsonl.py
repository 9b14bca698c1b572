"""JSON Lines: appended with fsync, read with the line named when something is wrong, a torn last line tolerated.

    append(path, rows); rows = read(path, Sample)
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from selfimprove.errors import DataError, StoreError
from selfimprove.records.sound import is_sound

R = TypeVar("R", bound=BaseModel)


def read(path: Path, record: type[R], *, empty: bool = False) -> list[R]:
    """All rows as records; a stage's own file may be `empty`. Raises DataError naming file and line."""
    rows = []
    for number, value in read_numbered(path, empty=empty):
        try:
            rows.append(record.model_validate(value))
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: {complaint(error)}") from None
    return rows


PLAIN = {
    "string_type": "must be a text", "int_type": "must be a whole number", "tuple_type": "must be a list",
    "list_type": "must be a list", "dict_type": "must be a JSON object", "model_type": "must be a JSON object",
    "bool_type": "must be true or false", "missing": "is missing", "extra_forbidden": "is a key that is not known here",
    "string_too_short": "is empty", "too_short": "is empty",
}  # fmt: skip
"""Pydantic's words for programmers, said for whoever wrote the file."""


def complaint(error: ValidationError) -> str:
    """The first thing that is wrong with a row: where, and why."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the row"
    if first["type"] == "literal_error":
        return f"{where}: must be {first['ctx']['expected']}"
    return f"{where}: {PLAIN.get(first['type']) or first['msg'].removeprefix('Value error, ')}"


def read_numbered(path: Path, *, empty: bool = False) -> list[tuple[int, Any]]:
    """(line number, value) of every row. Raises DataError for a missing or empty file, bad text or bad JSON."""
    try:
        # Some editors put a byte order mark before the first row.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        at = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {at}: is not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    rows = []
    # Not splitlines(): that also breaks at U+2028 and others, which are legal inside JSON strings.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{path}, line {number}: is not valid JSON ({error})") from None
            if not is_sound(value):
                raise DataError(f"{path}, line {number}: holds NaN, an infinity, half a character or nesting beyond 64 levels")
            rows.append((number, value))
    if not rows and not empty:
        raise DataError(f"{path}: is empty; it needs one JSON object a line")
    return rows


def read_growing(path: Path) -> list[Any]:
    """Rows of a file of our own that a kill may have torn: what follows the last whole row is cut off on disk."""
    if not path.exists():
        return []
    rows: list[Any] = []
    whole = 0
    with path.open("rb") as file:
        for line in file:
            try:
                if not line.endswith(b"\n"):
                    break
                rows.append(json.loads(line))
            except ValueError:
                break
            whole += len(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)
    return rows


def append(path: Path, rows: Iterable[Any]) -> None:
    """Adds rows (records or plain values) and waits until they are on disk. Raises StoreError for a full disk."""
    text = "".join(_line(row) for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise write_error(path, error) from None


def write(path: Path, rows: Iterable[Any]) -> None:
    """Replaces a file as a whole: after a kill it holds the old rows or the new ones."""
    write_text(path, "".join(_line(row) for row in rows))


def write_text(path: Path, text: str) -> None:
    """Replaces a text file atomically. Raises StoreError for a full disk."""
    new = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # where nothing could be made there is nothing to remove
            new.unlink(missing_ok=True)
        raise write_error(path, error) from None


def write_error(path: Path, error: OSError) -> StoreError:
    """One sentence for what the file system said."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"{path}: the disk is full; free some space and start the same command again: nothing made so far is lost"
        )
    return StoreError(f"{path}: cannot be written ({error.strerror})")


def _line(row: Any) -> str:
    value = row.model_dump(mode="json") if isinstance(row, BaseModel) else row
    return json.dumps(value, ensure_ascii=False) + "\n"
