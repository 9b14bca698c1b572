"""Trains a model: starts the ranks through DeepSpeed's launcher, follows them, and reports how it went.

    counts = train(model, rows, out, config, max_tokens=256, learning_rate=1e-4, seed=7, metadata={"round": 0})
    counts["loss_last"], out / "model"

Nothing heavy is loaded in this process. The ranks live in one process group that dies with this process, however it
dies. A training that was killed starts again from its beginning and comes to the same result; one that ended is not
repeated. What this is not: the training itself (`worker`).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import selfimprove
from selfimprove.child import Child
from selfimprove.config.model import Train
from selfimprove.errors import DivergedError, TrainError
from selfimprove.events import Note, Progress, emit
from selfimprove.train.spec import ERROR, LEFT_OUT, LOG, MODEL, OWN, REJECTED, RESULT, STEPS, Spec

POLL_SECONDS = 0.5
NAMED = 5
"""Rows left out that are named on the terminal; all are in left_out.jsonl."""


def train(
    model: Path, rows: Path, out: Path, config: Train, *,
    max_tokens: int, learning_rate: float, seed: int, stage: str = "train", metadata: Mapping[str, Any] | None = None,
) -> dict[str, float]:  # fmt: skip
    """Writes `out/model` and returns rows, left_out, steps, tokens, supervised_tokens, loss_first, loss_last (nats a
    supervised token), seconds (in the optimizer's loop) and peak_gb (resident memory of the first rank).

    Raises TrainError, and DivergedError when the loss was no number or rose far above its start.
    """
    spec = _spec(model, rows, config, max_tokens, learning_rate, seed, metadata or {})
    if finished := _finished(out, spec):
        return finished
    _clear(out)
    spec.write(out)
    began = time.monotonic()
    emit(Progress(stage, "steps", 0, 0, "starting"))
    with Child(_command(out, config), log=out / LOG, environment=_environment(config)) as child:
        _follow(child, out, stage, began + config.limit_minutes * 60 if config.limit_minutes else None)
        code = child.process.wait()
    if counts := _finished(out, spec):
        _name_left_out(out, max_tokens)
        return counts
    if (out / REJECTED).exists():
        raise DivergedError(json.loads((out / REJECTED).read_text(encoding="utf-8"))["sentence"])
    raise TrainError(_what_happened(out, code, child))


def _spec(
    model: Path, rows: Path, config: Train, max_tokens: int, learning_rate: float, seed: int,
    metadata: Mapping[str, Any],
) -> Spec:  # fmt: skip
    if not (model / "config.json").is_file():
        raise TrainError(f"{model}: is no model directory (it has no config.json); name a model in safetensors form")
    try:
        with rows.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainError(f"{rows}: the training rows cannot be read ({error.strerror}); make them again") from None
    return Spec(
        model=str(model.resolve()), rows=str(rows.resolve()), rows_sha256=found, config=config, max_tokens=max_tokens,
        learning_rate=learning_rate, seed=seed, metadata=json.loads(json.dumps(dict(metadata), default=str)),
    )  # fmt: skip


def _finished(out: Path, spec: Spec) -> dict[str, float] | None:
    """The counts of this very training when it has ended: the model is renamed into its place last of all."""
    try:
        if (out / MODEL).is_dir() and Spec.read(out).same_training(spec):
            return dict(json.loads((out / RESULT).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        pass
    return None


def _clear(out: Path) -> None:
    """Removes what an earlier start left behind, and nothing that is not a trainer's."""
    out.mkdir(parents=True, exist_ok=True)
    for name in OWN:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _command(out: Path, config: Train) -> list[str]:
    """DeepSpeed's launcher by module and not by PATH, with a free port every time (DeepSpeed 3878)."""
    world = base64.urlsafe_b64encode(json.dumps({"localhost": _cards(config.processes)}).encode()).decode()
    return [
        sys.executable, "-m", "selfimprove.train.watch", f"--world_info={world}", "--master_addr=127.0.0.1",
        f"--master_port={_free_port()}", "--no_local_rank", "--module", "selfimprove.train.worker", str(out.resolve()),
    ]  # fmt: skip


def _cards(processes: int) -> list[int]:
    """The first of the cards that CUDA_VISIBLE_DEVICES allows: the launcher sets it anew from these numbers."""
    named = [card.strip() for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    allowed = [int(card) for card in named if card.isdigit()]
    return (allowed if len(allowed) >= processes else list(range(processes)))[:processes]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def has_nvidia() -> bool:
    """Whether this machine has an NVIDIA driver, without loading torch."""
    return Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def _environment(config: Train) -> dict[str, str]:
    root = str(Path(selfimprove.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = str(max(1, len(os.sched_getaffinity(0)) // config.processes))
    found = {
        "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive",
        "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        # Tensors come from a heap that keeps its memory: handing each activation back to the kernel and having it
        # zeroed again costs 5 % of the processor time of a step.
        "MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34), "MALLOC_TOP_PAD_": str(2**28),
        # One machine: the loopback interface is there without a network and whatever the host is called.
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"),
    }  # fmt: skip
    return found if has_nvidia() else {**found, "DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""}


def _follow(child: Child, out: Path, stage: str, deadline: float | None) -> None:
    """Tells each step as it ends. Returns when the launcher has ended; raises TrainError at the deadline."""
    steps = _new_rows(out / STEPS)
    ended = False
    while not ended:
        with contextlib.suppress(TimeoutError):
            # The launcher's own lines are no rows: receiving puts them into the log.
            ended = child.receive(timeout=POLL_SECONDS) is None
        for row in next(steps):
            emit(Progress(stage, "steps", row["step"], row["steps"], _detail(row)))
        if deadline and time.monotonic() > deadline and not ended:
            raise TrainError("the training took longer than train.limit_minutes: raise it, or train fewer rows")


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
    ids = [json.loads(line)["id"] for line in (out / LEFT_OUT).read_text(encoding="utf-8").splitlines()]
    if ids:
        named = ", ".join(ids[:NAMED]) + (", ..." if len(ids) > NAMED else "")
        emit(Note(f"{len(ids)} training rows are longer than rows.max_tokens={max_tokens} and were left out: {named}"))


def _what_happened(out: Path, code: int, child: Child) -> str:
    with contextlib.suppress(OSError):
        if said := (out / ERROR).read_text(encoding="utf-8").strip():
            return said
    killed = code in (-9, 137) or "return code = -9" in child.last_lines(40)
    why = "was killed (out of memory? lower train.micro_batch)" if killed else f"ended with code {code}"
    return f"a training process {why} before the model was written; {child.log} ends with:\n{child.last_lines()}"
