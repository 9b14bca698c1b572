"""What a training is: the file that the caller writes and every rank reads, and the names of the files of a training.

    Spec.read(out).config.zero_stage
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from selfimprove.config.model import Train
from selfimprove.records import Record

SPEC = "spec.json"
ROWS = "rows"
LEFT_OUT = "left_out.jsonl"
STEPS = "train.jsonl"
LOG = "train.log"
ERROR = "error.txt"
PART = "model.tmp"
MODEL = "model"
RESULT = "result.json"
REJECTED = "rejected.json"
DEEPSPEED = "deepspeed.json"
CHECKPOINT = "checkpoint.json"
CHECKPOINTS = "checkpoints"
OWN = (SPEC, ROWS, LEFT_OUT, STEPS, LOG, ERROR, PART, MODEL, RESULT, REJECTED, DEEPSPEED, CHECKPOINT, CHECKPOINTS)
"""Everything that a training writes into its directory; nothing else there is touched."""


Part = Literal["shared-beginnings", "packing", "buckets", "selective-logits"]
"""What makes a training fast and can be switched off to see how much."""


class Spec(Record):
    """`model_digest` and `rows_sha256` make a spec the identity of its result: the same spec trains the same model."""

    model: str
    model_digest: str
    rows: str
    rows_sha256: str
    config: Train
    max_tokens: int
    learning_rate: float
    seed: int
    without: tuple[Part, ...] = ()
    """Parts switched off, for the benchmark that shows what each is worth; without buckets nothing is packed either."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """Shown in the model card; no part of what is trained."""

    @classmethod
    def read(cls, out: Path) -> Spec:
        return cls.model_validate_json((out / SPEC).read_text(encoding="utf-8"))

    def write(self, out: Path) -> None:
        write_json(out / SPEC, self.model_dump(mode="json"))

    def same_training(self, other: Spec) -> bool:
        """Whether both train the same model."""
        return self.trained() == other.trained()

    def trained(self) -> dict[str, Any]:
        """What decides the result: not the card, limits on time, the size of a forward pass, or what it keeps."""
        found = self.model_dump(mode="json", exclude={"metadata"})
        for name in ("limit_minutes", "checkpoint_minutes", "micro_batch", "zero_stage", "offload", "gradient_checkpointing"):
            found["config"].pop(name)
        return found


def write_json(path: Path, value: Any) -> None:
    """All or nothing: a reader never sees half a file."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
