"""Rows laid end to end in one sequence, so that no forward pass spends time on padding. Plain Python, no tensors.

    pack(batch, lengths, room=room(rows=2, max_tokens=288), processes=2)[rank]       # lists of rows, one for each pass

Best fit: the longest row first, each into the fullest sequence that still has room (Johnson 1973, decreasing best fit). Where
rows cannot be kept apart in one sequence (`probes`), rows of similar length share a padded pass instead
(`schedule.micro_batches`).
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 4096
"""Tokens of a sequence beyond which attention with a mask, which looks at all pairs and only then drops those of two rows, costs
more than the padding did."""


def room(*, rows: int, max_tokens: int, masked: bool = False) -> int:
    """Tokens of a sequence: what so many of the longest rows would take padded; with a mask, within reason."""
    return min(rows * max_tokens, max(max_tokens, LONGEST)) if masked else rows * max_tokens


def pack(batch: Sequence[int], lengths: Sequence[int], *, room: int, processes: int) -> list[list[list[int]]]:
    """`[rank][turn] -> rows` of at most `room` tokens together; a longer row has a pass of its own. Every rank has the same
    number of turns; one for which nothing is left is an empty list.

    The longest sequences come first, and those of one turn are about as long as each other: all ranks wait for the longest.
    """
    full: list[list[int]] = []
    taken: list[int] = []
    for row in sorted(batch, key=lambda i: -lengths[i]):
        fitting = [i for i, tokens in enumerate(taken) if tokens + lengths[row] <= room]
        if fitting:
            best = max(fitting, key=lambda i: taken[i])
            full[best].append(row)
            taken[best] += lengths[row]
        else:
            full.append([row])
            taken.append(lengths[row])
    order = sorted(range(len(full)), key=lambda i: -taken[i])
    turns = -(-len(full) // processes)
    return [[full[i] for i in order[rank::processes]] + [[]] * (turns - len(order[rank::processes])) for rank in range(processes)]
