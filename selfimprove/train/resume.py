"""Whether an interrupted training may go on, and from which checkpoint. Runs in the caller's process: nothing heavy is loaded.

    found = usable(out, spec)          # None: it begins at its beginning
    forget(out, keep=found)            # whatever else lies in checkpoints/ is removed, unopened

DeepSpeed writes its checkpoints as pickles, which can run code when they are opened. So the only one ever opened is the one
that checkpoint.json names: a file of this very training, written last and atomically, with the digest of every file.
What this is not: reading or writing a checkpoint, which the ranks do (`checkpoint`).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path
from typing import Any

from selfimprove.events import Note, emit
from selfimprove.records import Record
from selfimprove.train.spec import CHECKPOINT, CHECKPOINTS, STEPS, Spec

SHORTEST = 90.0
"""Seconds of work for which no checkpoint is written: making them again costs little more than writing it down."""


def interval(most: float, whole: float) -> float:
    """Seconds from one checkpoint to the next in a training of `whole` seconds: at most `most`, and soon enough that one of a few
    minutes gets one in its middle. The first must not wait longer than the training takes."""
    return min(most, max(whole / 2, SHORTEST))


class Checkpoint(Record):
    """`step` optimizer steps are done. `files`: SHA-256 by name inside `checkpoints/step-STEP`."""

    spec: dict[str, Any]
    model_digest: str
    processes: int
    zero_stage: int
    step: int
    files: dict[str, str]

    @property
    def folder(self) -> str:
        return f"step-{self.step:06d}"


def read_checkpoint(out: Path) -> Checkpoint | None:
    """None where there is none. Raises ValueError or OSError for one that cannot be read."""
    try:
        return Checkpoint.model_validate_json((out / CHECKPOINT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def identity(spec: Spec) -> dict[str, Any]:
    """What must be the same for a checkpoint to be one of this training; `_misfit` says of the rest why it does not fit."""
    found = spec.trained()
    found.pop("model_digest")
    found["config"].pop("processes")
    return found


def zero_stage(out: Path, spec: Spec) -> int | None:
    """The stage of this training's checkpoint, which fits no other: what memory is free today must not cost the work of
    yesterday. None without one."""
    with contextlib.suppress(OSError, ValueError):
        found = read_checkpoint(out)
        if found and found.spec == identity(spec) and found.processes == spec.config.processes:
            return found.zero_stage
    return None


def usable(out: Path, spec: Spec) -> Checkpoint | None:
    """The checkpoint from which this training goes on. Says so, or why it begins again."""
    try:
        found = read_checkpoint(out)
        if found is None or found.spec != identity(spec):
            return None
        why = _misfit(out, found, spec)
    except (OSError, ValueError) as error:
        found, why = None, f"{out / CHECKPOINT} cannot be used ({str(error).splitlines()[0]})"
    if found and not why:
        emit(Note(f"the training goes on after step {found.step}"))
        return found
    after = f" that was interrupted after step {found.step}" if found else ""
    emit(Note(f"the training{after} starts again from its beginning: {why}", "warning"))
    return None


def forget(out: Path, keep: Checkpoint | None = None) -> None:
    """Removes all checkpoints but `keep`, and of train.jsonl the steps that came after it."""
    for folder in (out / CHECKPOINTS).glob("*"):
        if keep is None or folder.name != keep.folder:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    if keep is None:
        (out / CHECKPOINT).unlink(missing_ok=True)
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    else:
        (out / STEPS).write_bytes(b"".join(_told(out)[: keep.step]))


def digest_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _misfit(out: Path, found: Checkpoint, spec: Spec) -> str:
    """Why a checkpoint of this training cannot be used; empty when it can."""
    if found.model_digest != spec.model_digest:
        return f"{spec.model} holds another model now than the one it began with"
    if found.processes != spec.config.processes:
        return f"{found.processes} processes trained it, and now there are {spec.config.processes}"
    if found.zero_stage != spec.config.zero_stage:
        return f"it was trained with train.zero_stage={found.zero_stage}, and now it is {spec.config.zero_stage}"
    if len(_told(out)) < found.step:
        return f"{out / STEPS} has lost some of its steps"
    folder = out / CHECKPOINTS / found.folder
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir()}
    if there != set(found.files):
        return f"{folder} does not hold the files that {CHECKPOINT} names"
    damaged = next((name for name, digest in sorted(found.files.items()) if digest_of(folder / name) != digest), None)
    return f"{folder / damaged} is not what was written" if damaged else ""


def _told(out: Path) -> list[bytes]:
    """The whole lines of train.jsonl."""
    return [line for line in (out / STEPS).read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
