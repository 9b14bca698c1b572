"""Trains a model: starts the ranks through DeepSpeed's launcher, follows them, and reports how it went.

    counts = train(model, rows, out, config, max_tokens=256, learning_rate=1e-4, seed=7, metadata={"round": 0})
    counts["loss_last"], out / "model"

Nothing heavy is loaded in this process. The ranks live in one process group that dies with this process, however it
dies. A training that was killed goes on from its last checkpoint and comes to the same result; one that ended is not
repeated. What this is not: the training itself (`worker`), or how its processes are started (`launcher`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from selfimprove.child import Child
from selfimprove.config.model import Train
from selfimprove.errors import DivergedError, TrainError
from selfimprove.events import Note, Progress, emit
from selfimprove.machine import free_memory, gpu_memory, has_nvidia
from selfimprove.models import model_digest
from selfimprove.train.deepspeed_config import micro_batch
from selfimprove.train.estimate import fit, tokens_of_a_pass, written
from selfimprove.train.launcher import Launcher, OneMachine
from selfimprove.train.memory import kernel_kills, ran_out
from selfimprove.train.resume import Checkpoint, forget, usable, zero_stage
from selfimprove.train.source import source
from selfimprove.train.spec import CHECKPOINT, CHECKPOINTS, ERROR, LEFT_OUT, LOG, MODEL, OWN, REJECTED, RESULT, STEPS, Part, Spec

POLL_SECONDS = 0.5
NAMED = 5
"""Rows left out that are named on the terminal; all are in left_out.jsonl."""


class _OutOfMemoryError(TrainError):
    """A training process asked for more memory than there is."""


def train(
    model: Path, rows: Path, out: Path, config: Train, *, max_tokens: int, learning_rate: float, seed: int,
    stage: str = "train", metadata: Mapping[str, Any] | None = None, launcher: Launcher | None = None,
    without: tuple[Part, ...] = (),
) -> dict[str, float]:  # fmt: skip
    """Writes `out/model` and returns rows, left_out, steps, tokens, supervised_tokens, loss_first, loss_last (nats a
    supervised token), seconds (in the optimizer's loop) and peak_gb (most memory of the first rank).

    Raises TrainError, and DivergedError when the loss was no number or rose far above its start.
    """
    found, on_gpu = source(model), has_nvidia()
    memory = gpu_memory() if on_gpu else free_memory() / config.processes
    spec = _spec(model, rows, config, max_tokens, learning_rate, seed, metadata or {}, without)
    if config.zero_stage == "auto" and (begun := zero_stage(out, spec)) is not None:
        config = config.model_copy(update={"zero_stage": begun})
    fitted = fit(config, found, max_tokens=max_tokens, memory=memory, on_gpu=on_gpu)
    spec = spec.model_copy(update={"config": fitted.config})
    if finished := _finished(out, spec):
        forget(out)
        return finished
    _check_disk(written(spec.config, found, on_gpu=on_gpu), out)
    emit(Note(fitted.sentence))
    began = time.monotonic()
    try:
        return _attempt(spec, out, stage, began, launcher or OneMachine())
    except _OutOfMemoryError as error:
        less = _rows_of_a_pass(spec, on_gpu=on_gpu) // 2
        if less == 0:
            raise
        was = micro_batch(spec.config)
        emit(Note(f"{error}; trying once more with train.micro_batch={less} instead of {was}", "warning"))
        spec = spec.model_copy(update={"config": spec.config.model_copy(update={"micro_batch": less})})
    return _attempt(spec, out, stage, began, launcher or OneMachine())


def _rows_of_a_pass(spec: Spec, *, on_gpu: bool) -> int:
    """Of the longest ones. Half of a micro batch would need no less memory where a pass holds less."""
    return -(-tokens_of_a_pass(spec.config, max_tokens=spec.max_tokens, on_gpu=on_gpu) // spec.max_tokens)


def _attempt(spec: Spec, out: Path, stage: str, began: float, launcher: Launcher) -> dict[str, float]:
    config = spec.config
    _clear(out, usable(out, spec))
    spec.write(out)
    emit(Progress(stage, "steps", 0, 0, "starting"))
    kills = kernel_kills()
    with Child(launcher.command(out, config), log=out / LOG, environment=launcher.environment(config)) as child:
        failed = _follow(child, out, stage, began + config.limit_minutes * 60 if config.limit_minutes else None)
        code = child.process.wait()
    if counts := _finished(out, spec):
        _name_left_out(out, spec.max_tokens)
        forget(out)
        return counts
    if (out / REJECTED).exists():
        forget(out)
        raise DivergedError(json.loads((out / REJECTED).read_text(encoding="utf-8"))["sentence"])
    raise _what_happened(out, failed or {None: code}, spec, kills)


def _spec(
    model: Path, rows: Path, config: Train, max_tokens: int, learning_rate: float, seed: int,
    metadata: Mapping[str, Any], without: tuple[Part, ...] = (),
) -> Spec:  # fmt: skip
    try:
        with rows.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainError(f"{rows}: the training rows cannot be read ({error.strerror}); make them again") from None
    return Spec(
        model=str(model.resolve()), model_digest=model_digest(model), rows=str(rows.resolve()), rows_sha256=found,
        config=config, max_tokens=max_tokens, learning_rate=learning_rate, seed=seed,
        without=without, metadata=json.loads(json.dumps(dict(metadata), default=str)),
    )  # fmt: skip


def _finished(out: Path, spec: Spec) -> dict[str, float] | None:
    """The counts of this very training when it has ended: the model is renamed into its place last of all."""
    try:
        if (out / MODEL).is_dir() and Spec.read(out).same_training(spec):
            return dict(json.loads((out / RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        pass
    return None


def _check_disk(model_bytes: float, out: Path) -> None:
    """Raises TrainError when the trained model will not fit: better now than after hours."""
    need, there = model_bytes * 1.1, next(path for path in (out, *out.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if need > free:
        raise TrainError(f"{there}: the model takes {need / 1e9:.1f} GB of disk and {free / 1e9:.1f} GB are free; free some")


def _clear(out: Path, checkpoint: Checkpoint | None) -> None:
    """Removes what an earlier start left behind, but for what a checkpoint needs, and nothing that is not a trainer's."""
    out.mkdir(parents=True, exist_ok=True)
    forget(out, checkpoint)
    for name in OWN if checkpoint is None else set(OWN) - {STEPS, CHECKPOINT, CHECKPOINTS}:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _follow(child: Child, out: Path, stage: str, deadline: float | None) -> dict[int | None, int]:
    """Tells each step as it ends. Returns when the launcher has ended, with the codes of the ranks that failed where it told
    them; raises TrainError at the deadline."""
    steps = _new_rows(out / STEPS)
    failed: dict[int | None, int] = {}
    ended = False
    while not ended:
        with contextlib.suppress(TimeoutError):
            # The launcher's own lines are no rows: receiving puts them into the log.
            told = child.receive(timeout=POLL_SECONDS)
            ended = told is None
            if isinstance(told, dict) and "note" in told:
                emit(Note(str(told["note"]), "warning"))
            if isinstance(told, dict) and "failed" in told:
                failed = {int(rank): code for rank, code in told["failed"].items()}
        for row in next(steps):
            emit(Progress(stage, "steps", row["step"], row["steps"], _detail(row)))
        if deadline and time.monotonic() > deadline and not ended:
            raise TrainError("the training took longer than train.limit_minutes: raise it, or train fewer rows")
    return failed


def _detail(row: dict[str, Any]) -> str:
    """What is shown of a step: the loss, of each subtask too, the gradient's norm, speed and memory."""
    each = row["loss_by_subtask"]
    parts = f" ({', '.join(f'{name} {loss:.2f}' for name, loss in each.items())})" if len(each) > 1 else ""
    speed = row["tokens"] / max(row["seconds"], 1e-9)
    return f"loss {row['loss']:.2f}{parts}, {speed:.0f} tok/s, gradient {row['grad_norm']:.2g}, {row['peak_gb']:.1f} GB"


def _new_rows(path: Path) -> Iterator[list[dict[str, Any]]]:
    """At each turn the rows that were added since the last; a line not yet whole waits for the next turn."""
    offset = 0
    while True:
        found = b""
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            file.seek(offset)
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1]
        offset += len(whole)
        yield [json.loads(line) for line in whole.splitlines()]


def _name_left_out(out: Path, max_tokens: int) -> None:
    rows = [json.loads(line) for line in (out / LEFT_OUT).read_text(encoding="utf-8").splitlines()]
    for reason, why in (
        ("too-long", f"are longer than rows.max_tokens={max_tokens}"),
        ("unknown-token", "have answers that the model's tokenizer has no tokens for"),
    ):
        ids = [row["id"] for row in rows if row["reason"] == reason]
        if ids:
            named = ", ".join(ids[:NAMED]) + (", ..." if len(ids) > NAMED else "")
            emit(Note(f"{len(ids)} training rows {why} and were left out: {named}"))


def _what_happened(out: Path, failed: Mapping[int | None, int], spec: Spec, kills: int | None) -> TrainError:
    """`failed`: exit codes by rank, None for a rank that the launcher did not name."""
    said = ""
    with contextlib.suppress(OSError):
        said = (out / ERROR).read_text(encoding="utf-8").strip()
    if ran_out(said, kills):
        return _OutOfMemoryError(
            f"the training ran out of memory with train.micro_batch={micro_batch(spec.config)} (to need less: set "
            "train.gradient_checkpointing=true or train.method=lora, or lower rows.max_tokens)"
        )
    if said:
        return TrainError(said)
    # Those that lost another rank end with 1 as well: what ended otherwise was first.
    rank, code = min(failed.items(), key=lambda one: (one[1] >= 0, one[1] == 1))
    others = spec.config.processes - 1
    who = f"rank {rank} of {others + 1} training processes" if others and rank is not None else "the training process"
    again = "goes on from the last checkpoint" if (out / CHECKPOINT).exists() else "starts the training again"
    return TrainError(
        f"{who} {_how(code, out / LOG)}{', and the others were ended too' if others else ''}, before the model was written; "
        f"the log is {out / LOG}; the same command {again}"
    )


def _how(code: int, log: Path) -> str:
    """What an exit code means. Where Python itself ended, as when a library cannot be loaded, its last line says why."""
    if code < 0:
        return f"was killed (signal {-code}{', perhaps for memory' if code == -signal.SIGKILL else ''})"
    lines = []
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and "[launch.py:" not in line]
    return f"ended with code {code}" + (f" ({said[-1]})" if code == 1 and said else "")
