"""What the first rank writes down of each step: train.jsonl, which the caller follows, and the counts at the end.

    {"step": 3, "steps": 22, "loss": 0.81, "loss_by_subtask": {"use": 0.62}, "learning_rate": 1e-4, "grad_norm": 1.9,
     "tokens": 1493, "supervised_tokens": 210, "seconds": 13.2}

Losses are nats a supervised token. `tokens` are those of the rows, padding left out.
"""

from __future__ import annotations

import json
import math
import resource
import time
from pathlib import Path
from typing import Any

from selfimprove.errors import TrainError
from selfimprove.train.rows import count_left_out
from selfimprove.train.spec import STEPS

Rows = list[dict[str, Any]]


class Steps:
    """Every rank keeps one, so that all stop together on a loss that is no number; the first rank writes."""

    def __init__(self, out: Path, rank: int) -> None:
        self.out, self.rank = out, rank
        self.steps = 0
        self.losses: list[float] = []
        self.counts: dict[str, float] = {}
        self._began = 0.0

    def begin(self, rows: Rows, plan: list[list[int]]) -> None:
        self.steps = len(plan)
        self.counts = {
            "rows": len(rows), "left_out": count_left_out(self.out), "steps": len(plan), "tokens": 0,
            "supervised_tokens": 0,
        }  # fmt: skip
        self._began = time.monotonic()

    def add(self, batch: Rows, sums: dict[str, float], rate: float, norm: float, seconds: float) -> None:
        """Raises TrainError when the loss or the gradient is no number."""
        supervised = {name: sum(_supervised(row) for row in batch if row["subtask"] == name) for name in sums}
        tokens, total = sum(row["length"] for row in batch), sum(supervised.values())
        loss = sum(sums.values()) / total
        self.losses.append(loss)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TrainError(
                f"the loss of step {len(self.losses)} of {self.steps} is {loss:g} (gradient norm {norm:g}): "
                "lower the learning rate, or look at the rows of that step"
            )
        self.counts["tokens"] += tokens
        self.counts["supervised_tokens"] += total
        self.counts["loss_first"], self.counts["loss_last"] = self.losses[0], loss
        self.counts["seconds"] = round(time.monotonic() - self._began, 3)
        # Linux counts in KiB.
        self.counts["peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 3)
        if self.rank == 0:
            self._write({
                "step": len(self.losses), "steps": self.steps, "loss": loss,
                "loss_by_subtask": {name: sums[name] / supervised[name] for name in sums},
                "learning_rate": rate, "grad_norm": norm, "tokens": tokens, "supervised_tokens": total,
                "seconds": round(seconds, 3),
            })  # fmt: skip

    def _write(self, row: dict[str, Any]) -> None:
        with (self.out / STEPS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _supervised(row: dict[str, Any]) -> int:
    return int(row["supervised"])
