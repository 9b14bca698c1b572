"""Which rows make which optimizer step, in what order, and how fast each step learns. Plain Python, no tensors.

    for batch in batches(ids, batch=8, epochs=1.0, seed=7): ...          # lists of row positions
    micro_batches(batch, lengths, turns=1, processes=2)[rank]                     # the share of one rank

Every row is trained once an epoch. Its place follows from the seed and from the row's id, never from the order of the
file. The rows of a step are a random draw; inside a step, rows of similar length share a forward pass (length buckets), so
little is spent on padding. Buckets that reach over steps would make a step all of one subtask, since rows of one subtask
are about as long as each other: abstentions then pull against calls in turn, and which of them came last decides (seen
on the demo's rows with buckets over eight steps: a bootstrap that always calls, or one that never does).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from selfimprove.records import derive_seed


def step_count(rows: int, batch: int, epochs: float) -> int:
    """Optimizer steps for so many rows: at least one, and none left over."""
    return max(1, math.ceil(_row_count(rows, epochs) / batch))


def batches(ids: Sequence[str], *, batch: int, epochs: float, seed: int) -> list[list[int]]:
    """Positions of the rows of each optimizer step, in training order. Batch sizes differ by one row at most."""
    found: list[list[int]] = []
    left = _row_count(len(ids), epochs)
    for epoch in range(math.ceil(left / len(ids))):
        order = sorted(range(len(ids)), key=lambda i: (derive_seed(seed, epoch, ids[i]), ids[i]))[:left]
        left -= len(order)
        found += _even(order, batch)
    return found


def micro_batches(
    batch: Sequence[int], lengths: Sequence[int], *, turns: int, processes: int, room: int = 0
) -> list[list[list[int]]]:
    """`[rank][turn] -> rows`: every rank has the same number of turns; one for which no row is left is an empty list.

    Neighbours in length meet in one turn, on whatever rank, since all ranks wait for the longest. `room`: tokens of a pass with
    its padding, at most, unless one row has more; more turns are taken for it.
    """
    ordered = _by_length(batch, lengths)
    while True:
        parts = turns * processes
        shares = [ordered[i * len(ordered) // parts : (i + 1) * len(ordered) // parts] for i in range(parts)]
        many = [share for share in shares if len(share) > 1]
        if not room or all(len(share) * max(lengths[i] for i in share) <= room for share in many):
            return [shares[rank::processes] for rank in range(processes)]
        turns += 1


def learning_rate(step: int, *, steps: int, warmup: float, peak: float) -> float:
    """The rate of step 0..steps-1: rises in a line over the first `warmup` share, then falls as a cosine towards 0."""
    rising = math.ceil(warmup * steps)
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _row_count(rows: int, epochs: float) -> int:
    return max(1, round(rows * epochs))


def _by_length(rows: Sequence[int], lengths: Sequence[int]) -> list[int]:
    return sorted(rows, key=lambda i: lengths[i])


def _even(rows: list[int], size: int) -> list[list[int]]:
    """Cuts into the fewest parts of at most `size`, as equal as can be: a last batch of one row would weigh its tokens
    as much as a full batch does."""
    count = math.ceil(len(rows) / size)
    return [rows[i * len(rows) // count : (i + 1) * len(rows) // count] for i in range(count)]
