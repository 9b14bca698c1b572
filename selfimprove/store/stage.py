"""A stage's directory: begun, filled, and closed by a manifest written last and atomically.

    with open_stage(folder, "verify", inputs={"generate": ref.digest}, config=...) as stage:
        if stage.finished: return stage.finished
        ...write files into stage.path...
        return stage.close({"accepted": 12})

A stage whose manifest matches its inputs is never run again; one without a manifest is finished, not restarted: what it
has already written stays. Times are recorded beside the digest, never in it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfimprove import __version__
from selfimprove.errors import StoreError
from selfimprove.events import StageFinished, StageStarted, emit
from selfimprove.records import StageRef, digest
from selfimprove.store.jsonl import append, read_growing, write_error, write_text

LOGS = ("log", "times.jsonl", "children.jsonl", "train.jsonl", "completions", "spec.json", "result.json", "rows")
TIMED = ("outputs.jsonl", "latency.json", "made.jsonl")
"""Names left out of a stage's digest: they hold times or absolute paths, or streams in the order of finishing. Files whose names
end like TIMED hold seconds beside what a digest in `results.json` covers."""


class Stage:
    """An open stage: `path` to write into, `finished` when there is nothing left to do."""

    def __init__(self, path: Path, name: str, round_: int, key: str, inputs: Mapping[str, Any]) -> None:
        self.path, self.name, self.round, self.key, self.inputs = path, name, round_, key, dict(inputs)
        self.finished = _finished(path, key)
        self._began = time.monotonic()

    def close(self, counts: Mapping[str, float]) -> StageRef:
        """Writes the manifest; from here on the stage is done."""
        seconds = self.spent()
        outputs = {name: _file_digest(self.path / name) for name in _outputs(self.path)}
        manifest = {
            "stage": self.name, "round": self.round, "key": self.key, "version": __version__, "inputs": self.inputs,
            "counts": dict(counts), "outputs": outputs, "digest": digest([self.key, outputs]), "seconds": round(seconds, 2),
        }  # fmt: skip
        write_text(self.path / "manifest.json", json.dumps(manifest, indent=2) + "\n")
        self.finished = _ref(self.path, manifest)
        return self.finished

    def spent(self) -> float:
        """Seconds over all starts of this stage so far."""
        earlier = sum(row["seconds"] for row in read_growing(self.path / "times.jsonl"))
        return float(earlier) + time.monotonic() - self._began


@contextmanager
def open_stage(
    path: Path, name: str, round_: int, *, inputs: Mapping[str, Any], planned_seconds: float = 0, part: str = "round"
) -> Iterator[Stage]:
    """Raises StoreError when the directory was finished from other inputs."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from None
    stage = Stage(path, name, round_, digest([name, dict(inputs)]), inputs)
    reused = stage.finished is not None
    emit(StageStarted(name, round_, planned_seconds, part))
    try:
        yield stage
    finally:
        if not reused and not stage.finished:
            append(path / "times.jsonl", [{"seconds": round(time.monotonic() - stage._began, 2)}])
    if stage.finished:
        emit(StageFinished(name, round_, stage.finished.seconds, reused, dict(stage.finished.counts)))


def read_manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of a finished stage, None for one that is not finished."""
    try:
        found = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    except (OSError, ValueError):
        return None


def _finished(path: Path, key: str) -> StageRef | None:
    manifest = read_manifest(path)
    if manifest is None:
        return None
    if manifest["key"] != key:
        raise StoreError(
            f"{path}: was finished from other inputs (its round's files or configuration were changed since); "
            "move it away to have it made again, or use another run.name"
        )
    return _ref(path, manifest)


def _ref(path: Path, manifest: dict[str, Any]) -> StageRef:
    return StageRef(path=path, digest=manifest["digest"], counts=manifest["counts"], seconds=manifest["seconds"])


def _outputs(path: Path) -> list[str]:
    return sorted(
        str(file.relative_to(path))
        for file in path.rglob("*")
        if file.is_file() and file.name != "manifest.json" and not _is_log(file.relative_to(path))
    )


def _is_log(relative: Path) -> bool:
    named = relative.suffix == ".log" or relative.name.endswith(TIMED)
    return named or any(part in LOGS or part.startswith(".") for part in relative.parts)


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
