"""What the first rank writes down of each step: train.jsonl, which the caller follows, and the counts at the end.

    {"step": 3, "steps": 22, "loss": 0.81, "loss_by_subtask": {"use": 0.62}, "learning_rate": 1e-4, "grad_norm": 1.9,
     "tokens": 1493, "supervised_tokens": 210, "supervised_share": 0.141, "seconds": 13.2, "peak_gb": 4.7}

Losses are nats a supervised token, whatever `train.subtask_weights` says. `tokens` are those of the rows, padding left
out. A training that goes wrong ends here, on all ranks at once, and leaves rejected.json.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any, NoReturn

import torch

from selfimprove.config.model import Train
from selfimprove.errors import DivergedError
from selfimprove.train.rank import Rank, peak_gb
from selfimprove.train.rows import count_left_out, supervised
from selfimprove.train.spec import REJECTED, STEPS, write_json
from selfimprove.train.update import Update

Rows = list[dict[str, Any]]
SMOOTHED = 3
"""Steps whose mean loss is compared with the first one's: one step of a few hard rows is no divergence."""


class Steps:
    """Every rank keeps one, so that all stop together on a loss that is no number; the first rank writes."""

    def __init__(self, out: Path, rank: Rank, config: Train) -> None:
        self.out, self.rank, self.config = out, rank, config
        self.steps = 0
        self.losses: list[float] = []
        self.counts: dict[str, float] = {}
        self._began = self._cpu = 0.0

    def begin(self, rows: Rows, plan: list[list[int]], done: int = 0) -> None:
        """`done`: steps that a checkpoint holds; what was told of them is taken from train.jsonl."""
        self.steps = len(plan)
        earlier = [json.loads(line) for line in (self.out / STEPS).open(encoding="utf-8")] if done else []
        self.losses = [row["loss"] for row in earlier]
        self.counts = {
            "rows": len(rows), "left_out": count_left_out(self.out), "steps": len(plan),
            "tokens": sum(row["tokens"] for row in earlier),
            "supervised_tokens": sum(row["supervised_tokens"] for row in earlier),
        }  # fmt: skip
        if earlier:
            self.counts |= {"loss_first": self.losses[0], "loss_last": self.losses[-1], "peak_gb": earlier[-1]["peak_gb"]}
            self.counts["seconds"] = sum(row["seconds"] for row in earlier)
        self._began = time.monotonic() - self.counts.get("seconds", 0.0)
        self._cpu = time.process_time()

    def add(self, batch: Rows, done: Update, rate: float, seconds: float) -> None:
        """Raises DivergedError when the loss or the gradient is no number, or the loss far above its start."""
        counted = {name: sum(supervised(row) for row in batch if row["subtask"] == name) for name in done.sums}
        tokens, total = sum(row["length"] for row in batch), sum(counted.values())
        loss = sum(done.sums.values()) / total
        self.losses.append(loss)
        self._refuse_divergence(loss, done.norm)
        self.counts["tokens"] += tokens
        self.counts["supervised_tokens"] += total
        self.counts["loss_first"], self.counts["loss_last"] = self.losses[0], loss
        self.counts["seconds"] = round(time.monotonic() - self._began, 3)
        self.counts["cpu_seconds"] = round(time.process_time() - self._cpu, 3)
        self.counts["peak_gb"] = peak_gb(self.rank.device)
        if self.rank.index == 0:
            self._write({
                "step": len(self.losses), "steps": self.steps, "loss": loss,
                "loss_by_subtask": {name: done.sums[name] / counted[name] for name in done.sums},
                "learning_rate": rate, "grad_norm": done.norm, "tokens": tokens, "supervised_tokens": total,
                "supervised_share": round(total / tokens, 4), "seconds": round(seconds, 3),
                "peak_gb": self.counts["peak_gb"],
            })  # fmt: skip

    def end(self) -> None:
        """Adds what the other processes took."""
        peaks = torch.tensor([peak_gb(self.rank.device)], dtype=torch.float64, device=self.rank.device)
        each = [torch.zeros_like(peaks) for _ in range(self.rank.count)]
        torch.distributed.all_gather(each, peaks)
        self.counts |= {f"peak_gb_rank_{number}": round(float(peak), 3) for number, peak in enumerate(each) if number}

    def _refuse_divergence(self, loss: float, norm: float) -> None:
        recent = self.losses[-SMOOTHED:]
        mean, limit = sum(recent) / len(recent), self.losses[0] + self.config.max_loss_rise
        if not (math.isfinite(loss) and math.isfinite(norm)):
            why = f"its loss is {loss:g} with a gradient norm of {norm:g}"
        elif self.config.max_loss_rise and mean > limit:
            why = f"the loss of its last {len(recent)} steps is {mean:.2f} and began at {self.losses[0]:.2f}"
        else:
            return
        # Before the first update nothing but the model itself can be wrong.
        todo = "lower the learning rate, or look at the rows of that step"
        self.refuse(why, "look at the model it began with" if len(self.losses) == 1 else todo)

    def refuse(self, why: str, todo: str) -> NoReturn:
        """Ends the training as one that diverged at the last step. On every rank: the first writes it down."""
        said = f"the training diverged at step {len(self.losses)} of {self.steps}: {why}; {todo}"
        if self.rank.index == 0:
            counts = {**self.counts, "steps": len(self.losses)}
            kept = {name: value for name, value in counts.items() if math.isfinite(value)}
            write_json(self.out / REJECTED, {"step": len(self.losses), "sentence": said, "counts": kept})
        raise DivergedError(said)

    def _write(self, row: dict[str, Any]) -> None:
        with (self.out / STEPS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
