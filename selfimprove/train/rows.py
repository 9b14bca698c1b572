"""Training rows as token ids: rows.jsonl -> a `datasets` directory that every rank opens. Runs in the worker.

    tokenise(tokenizer, Path("rows.jsonl"), out, max_tokens=256)
    load_rows(out)[0]          # {"id", "input_ids", "spans", "supervised", "first_supervised", "subtask", "length"}

Supervised are the answer and the end-of-turn token, by position and not by token, so a pad token that equals the end of
turn hides nothing (trl 1623). A row without supervised tokens is refused: all-zero masks train "successfully" elsewhere
(trl 4201). The spans of a sample of the rows are decoded and compared with their answers. Messages and tools stay out of
Arrow, which pads unlike schemas with nulls.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from selfimprove.errors import TrainError
from selfimprove.records import Row
from selfimprove.train.spec import LEFT_OUT, ROWS

CHUNK = 256
"""Rows that are rendered and tokenised together."""
PROVED_EVERY = 16
"""Of so many rows one has its spans decoded."""


def read_rows(path: Path) -> Iterator[Row]:
    """Raises TrainError, naming the line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield Row.model_validate_json(line)
            except ValidationError as error:
                found = error.errors()[0]
                place = ".".join(str(part) for part in found["loc"]) or "the line"
                said = f"{path}:{number}: is no training row ({place}: {found['msg']}); make it again"
                raise TrainError(said) from None


def encode(tokenizer: Any, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Raises TrainError for a row that would train nothing, or something else than its answer."""
    from selfimprove.chat.render import is_conversation, rows_ids, unproved

    found = []
    for number, (row, made) in enumerate(zip(rows, rows_ids(tokenizer, rows), strict=True)):
        # Nothing to learn: the prompt alone, or an answer of which only the end of turn is left.
        if not (row.target.strip() or is_conversation(row)) or not made.supervised or made.spans[0][0] == 0:
            raise TrainError(f"row {row.id} has no supervised tokens (an empty target): leave it out or give it one")
        if number % PROVED_EVERY == 0 and (said := unproved(tokenizer, row, made)):
            raise TrainError(f"row {row.id}: {said}; run `selfimprove doctor --model` on the model")
        found.append({
            "id": row.id, "input_ids": made.ids, "spans": [edge for span in made.spans for edge in span],
            "supervised": made.supervised, "first_supervised": made.spans[0][0], "subtask": row.subtask,
            "length": len(made.ids),
        })  # fmt: skip
    return found


def tokenise(tokenizer: Any, path: Path, out: Path, max_tokens: int) -> None:
    """Writes `out/rows` and `out/left_out.jsonl`. Raises TrainError for an unusable row, or when none is left."""
    from datasets import Dataset, Features, List, Value

    kept: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    seen: set[str] = set()
    source = read_rows(path)
    while chunk := list(islice(source, CHUNK)):
        for row in chunk:
            if row.id in seen:
                raise TrainError(f"{path}: two rows have the id {row.id}; ids must differ, the order follows them")
            seen.add(row.id)
        for found in encode(tokenizer, chunk):
            (kept if found["length"] <= max_tokens else left_out).append(found)
    (out / LEFT_OUT).write_text(
        "".join(json.dumps({"id": row["id"], "length": row["length"]}) + "\n" for row in left_out), encoding="utf-8"
    )
    if not kept:
        longer = f"all {len(left_out)} are longer than rows.max_tokens={max_tokens}: raise it"
        why = longer if left_out else "it is empty"
        raise TrainError(f"{path}: no row is left to train, {why}")
    features = Features({
        "id": Value("string"), "input_ids": List(Value("int32")), "spans": List(Value("int32")),
        "supervised": Value("int32"), "first_supervised": Value("int32"), "subtask": Value("string"), "length": Value("int32"),
    })  # fmt: skip
    Dataset.from_list(kept, features=features).save_to_disk(str(out / ROWS), num_proc=None)


def load_rows(out: Path) -> list[dict[str, Any]]:
    from datasets import load_from_disk

    return list(load_from_disk(str(out / ROWS)))


def count_left_out(out: Path) -> int:
    return len((out / LEFT_OUT).read_text(encoding="utf-8").splitlines())
