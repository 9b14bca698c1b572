"""Completions to a file as they are made; started again after a kill, only what is missing is made.

    rows = complete_to_file(lambda: open_engine(config.engine, model, logs), requests, path, stage="generate", what="answers")

The file is JSON Lines of Completion fields plus `key`, the content digest of the request: a changed request is made again.
What this is not: a cache across models. One file belongs to one model; the stage that names the path sees to that.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from pydantic import ValidationError

from selfimprove.engine.protocol import Engine
from selfimprove.events import Progress, emit
from selfimprove.records import Completion, Request
from selfimprove.store.jsonl import read_growing, write, write_error

SYNC_SECONDS = 0.5
Known = dict[str, list[Completion]]


def complete_to_file(
    engine_factory: Callable[[], AbstractContextManager[Engine]], requests: Sequence[Request], path: Path, *,
    stage: str, what: str,
) -> list[Completion]:  # fmt: skip
    """All completions in the order of `requests`, index 0..k-1. The engine is opened only if something is owed."""
    keys = [request.key for request in requests]
    done = _on_disk(path, dict(zip(keys, requests, strict=True)))
    owed = list({key: request for key, request in zip(keys, requests, strict=True) if key not in done}.values())
    meter = _Meter(stage, what, done=len(requests) - len(owed), total=len(requests))
    if owed:
        meter.tell("starting the engine")
        with engine_factory() as engine, _Appender(path) as file:
            names = {request.id: request for request in owed}
            made: dict[str, list[Completion]] = defaultdict(list)
            for completion in engine.complete(owed):
                request, rows = names[completion.request], made[completion.request]
                rows.append(completion)
                if len(rows) == request.k:
                    done[request.key] = rows
                    file.append([{"key": request.key, **row.model_dump(mode="json")} for row in rows])
                    meter.add(rows)
    meter.tell()
    return [row for key in keys for row in done[key]]


def _on_disk(path: Path, wanted: dict[str, Request]) -> Known:
    """Requests whose k rows are all there. Rows of no use (a changed request, a part of k) are taken out of the file."""
    rows: dict[str, dict[int, Completion]] = defaultdict(dict)
    found = read_growing(path)
    for row in found:
        try:
            completion = Completion.model_validate({name: value for name, value in row.items() if name != "key"})
        except (ValidationError, AttributeError):
            continue
        rows[str(row.get("key"))][completion.index] = completion
    known = {
        key: [rows[key][index] for index in range(request.k)]
        for key, request in wanted.items()
        if set(rows.get(key, ())) == set(range(request.k))
    }
    kept = [{"key": key, **row.model_dump(mode="json")} for key, group in known.items() for row in group]
    if len(kept) != len(found):
        write(path, kept)
    return known


class _Appender:
    """Every group of rows reaches the kernel at once (a killed process loses none) and the disk twice a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synced = time.monotonic()

    def __enter__(self) -> _Appender:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._path.open("ab")
        except OSError as error:
            raise write_error(self._path, error) from None
        return self

    def append(self, rows: list[dict[str, Any]]) -> None:
        try:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            self._file.write(text.encode("utf-8", "backslashreplace"))
            self._file.flush()
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._sync()
        except OSError as error:
            raise write_error(self._path, error) from None

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._sync()
            self._file.close()
        except OSError as failed:
            if kind is None:
                raise write_error(self._path, failed) from None


class _Meter:
    """Progress in requests, about twice a second, with the tokens/s since the first completion was awaited."""

    def __init__(self, stage: str, what: str, *, done: int, total: int) -> None:
        self._stage, self._what, self._done, self._total = stage, what, done, total
        self._tokens = 0
        self._started = self._told = time.monotonic()

    def add(self, rows: list[Completion]) -> None:
        self._done += 1
        self._tokens += sum(len(row.tokens) for row in rows)
        if time.monotonic() - self._told >= SYNC_SECONDS:
            self.tell()

    def tell(self, detail: str = "") -> None:
        self._told = time.monotonic()
        seconds = self._told - self._started
        rate = f"{self._tokens / seconds:.0f} tok/s" if self._tokens and seconds > 0 else ""
        emit(Progress(self._stage, self._what, self._done, self._total, detail or rate))
