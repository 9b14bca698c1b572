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
    with path.open("rb") as lines:
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

    for row in rows:
        _refuse_silence(row, talks=is_conversation(row))
    found = []
    for number, (row, made) in enumerate(zip(rows, rows_ids(tokenizer, rows), strict=True)):
        if not made.supervised or made.spans[0][0] == 0:
            raise TrainError(f"row {row.id} has no supervised tokens after a prompt: leave it out or give it both")
        if number % PROVED_EVERY == 0 and (said := unproved(tokenizer, row, made)):
            raise TrainError(f"row {row.id}: {said}; run `selfimprove doctor --model` on the model")
        found.append({
            "id": row.id, "input_ids": made.ids, "spans": [edge for span in made.spans for edge in span],
            "supervised": made.supervised, "first_supervised": made.spans[0][0], "subtask": row.subtask,
            "length": len(made.ids),
        })  # fmt: skip
    return found


def _refuse_silence(row: Row, *, talks: bool) -> None:
    """Of an empty answer only the end of turn is left, and the model would learn to say nothing."""
    if not row.messages:
        raise TrainError(f"row {row.id} has no messages: leave it out or give it a question")
    if talks and any(turn.role == "assistant" and not (turn.content.strip() or turn.calls) for turn in row.messages):
        raise TrainError(f"row {row.id} has no supervised tokens in a turn (an empty one): leave it out or give it an answer")
    if not talks and not row.target.strip():
        raise TrainError(f"row {row.id} has no supervised tokens (an empty target): leave it out or give it one")


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
            if reason := _reason_to_leave_out(tokenizer, found, max_tokens):
                left_out.append({"id": found["id"], "length": found["length"], "reason": reason})
            else:
                kept.append(found)
    (out / LEFT_OUT).write_text("".join(json.dumps(row) + "\n" for row in left_out), encoding="utf-8")
    if not kept:
        longer = f"all {len(left_out)} are longer than rows.max_tokens={max_tokens} (raise it) or unknown to the tokenizer"
        why = longer if left_out else "it is empty"
        raise TrainError(f"{path}: no row is left to train, {why}")
    features = Features({
        "id": Value("string"), "input_ids": List(Value("int32")), "spans": List(Value("int32")),
        "supervised": Value("int32"), "first_supervised": Value("int32"), "subtask": Value("string"), "length": Value("int32"),
    })  # fmt: skip
    Dataset.from_list(kept, features=features).save_to_disk(str(out / ROWS), num_proc=None)


def _reason_to_leave_out(tokenizer: Any, row: dict[str, Any], max_tokens: int) -> str:
    """Empty for a row that is trained. An unknown token in an answer would teach the model to write it."""
    if row["length"] > max_tokens:
        return "too-long"
    edges = row["spans"]
    taught = [row["input_ids"][start : end - 1] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return "unknown-token" if any(tokenizer.unk_token_id in part for part in taught) else ""


def check_ids(rows: list[dict[str, Any]], vocabulary: int) -> None:
    """Raises TrainError for a row with a token that the model has no embedding for: its tokenizer is another model's."""
    for row in rows:
        if not 0 <= min(row["input_ids"]) <= max(row["input_ids"]) < vocabulary:
            raise TrainError(
                f"row {row['id']} has the token {max(row['input_ids'])}, and the model knows {vocabulary} tokens: its tokenizer "
                "belongs to another model; copy the right one into its directory"
            )


def load_rows(out: Path) -> list[dict[str, Any]]:
    from datasets import load_from_disk

    return list(load_from_disk(str(out / ROWS)))


def supervised(row: dict[str, Any]) -> int:
    """Tokens of a tokenised row that carry the loss."""
    return int(row["supervised"])


def count_left_out(out: Path) -> int:
    return len((out / LEFT_OUT).read_text(encoding="utf-8").splitlines())
