"""Writes checkpoints of a training, and goes on from one: weights, optimizer and position. Runs in the worker, on every rank.

    checkpoints = Checkpoints(out, spec, rank)
    first = checkpoints.restore(engine)            # the number of steps that are done
    checkpoints.after(engine, step, steps)         # writes one when it is time

Everything here happens on all ranks at once. Which checkpoint may be opened was decided before (`resume`). One is kept:
the newest; a kill at any moment leaves the one that checkpoint.json names whole.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import torch

from selfimprove.errors import TrainError
from selfimprove.train.rank import Rank, tell
from selfimprove.train.resume import Checkpoint, digest_of, identity, interval, read_checkpoint
from selfimprove.train.spec import CHECKPOINT, CHECKPOINTS, Spec, write_json

BYTES = 20
"""Disk for a trained weight, at most: its float32 copy, two moments, the bfloat16 copy, and the exported model."""


class Checkpoints:
    def __init__(self, out: Path, spec: Spec, rank: Rank) -> None:
        self.out, self.spec, self.rank = out, spec, rank
        self.folder = out / CHECKPOINTS
        self.every = spec.config.checkpoint_minutes * 60
        # Frozen weights of a LoRA training are those of the source model, which does not change.
        self.partly = spec.config.method == "lora"
        self._began = self._last = time.monotonic()
        self._first = 0

    def restore(self, engine: Any) -> int:
        """Steps that are done: 0 without a checkpoint. Raises TrainError for one that DeepSpeed cannot read."""
        found = read_checkpoint(self.out)
        if found is None:
            return 0
        try:
            path, _ = engine.load_checkpoint(
                str(self.folder), tag=found.folder, load_module_strict=not self.partly, load_lr_scheduler_states=False
            )
        except (RuntimeError, ValueError, KeyError, AttributeError, AssertionError) as error:
            path = None
            print(f"{type(error).__name__}: {error}", flush=True)
        if path is None:
            raise TrainError(f"{self.out / CHECKPOINT}: does not fit this machine; remove it to start the training again")
        self._first = found.step
        return found.step

    def after(self, engine: Any, step: int, steps: int) -> None:
        """Writes a checkpoint after `step` of `steps` steps when the last one is long enough ago."""
        if not self.every or not self._agreed(self._is_time(step, steps)) or not self._has_room(engine):
            return
        stage = int(self.spec.config.zero_stage)
        found = Checkpoint(
            spec=identity(self.spec), model_digest=self.spec.model_digest, processes=self.rank.count, zero_stage=stage,
            step=step, files={},
        )  # fmt: skip
        engine.save_checkpoint(str(self.folder), tag=found.folder, save_latest=False, exclude_frozen_parameters=self.partly)
        torch.distributed.barrier()
        if self.rank.index == 0:
            self._name(found)
        torch.distributed.barrier()
        self._last = time.monotonic()

    def _is_time(self, step: int, steps: int) -> bool:
        now = time.monotonic()
        whole = (now - self._began) / max(1, step - self._first) * (steps - self._first)
        return now - self._last >= interval(self.every, whole)

    def _name(self, found: Checkpoint) -> None:
        """From here on it is the checkpoint; the one before it goes."""
        folder = self.folder / found.folder
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        digests = {str(file.relative_to(folder)): digest_of(file) for file in files}
        write_json(self.out / CHECKPOINT, found.model_copy(update={"files": digests}).model_dump(mode="json"))
        for other in self.folder.iterdir():
            if other.name != found.folder:
                shutil.rmtree(other, ignore_errors=True)

    def _has_room(self, engine: Any) -> bool:
        """For the new one while the old one is still there, and for the model at the end."""
        trained = [weight for weight in engine.module.parameters() if weight.requires_grad]
        # Under ZeRO-3 a rank holds a part of each weight.
        need = sum(getattr(weight, "ds_numel", weight.numel()) for weight in trained) * BYTES
        if self._agreed(shutil.disk_usage(self.out).free > need):
            return True
        tell(self.rank, f"no checkpoints are written: one may take {need / 1e9:.1f} GB of disk; free some space for them")
        self.every = 0.0
        return False

    def _agreed(self, here: bool) -> bool:
        """What the first rank finds: clocks and disks of others may say otherwise."""
        found = torch.tensor([float(here)], device=self.rank.device)
        torch.distributed.broadcast(found, src=0)
        return bool(found.item())
