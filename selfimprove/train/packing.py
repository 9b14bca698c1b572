"""Rows laid end to end in one sequence, so that no forward pass spends time on padding, nor twice on the same beginning. Plain
Python, no tensors.

    pack(batch, lengths, room=room(rows=2, max_tokens=288), processes=2)[rank]       # lists of rows, one for each pass

Best fit: the longest row first, each into the fullest sequence that still has room (Johnson 1973, decreasing best fit). Where
rows may share what they begin with alike (the same tools, the same system message), it is computed once for all rows of a
pass, and a row goes where it shares most. Where rows cannot be kept apart in one sequence (`probes`), rows of similar length
share a padded pass instead (`schedule.micro_batches`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

LONGEST = 4096
"""Tokens of a sequence beyond which attention with a mask, which looks at all pairs and only then drops those of two rows, costs
more than the padding did."""
BUSY = 216
"""Tokens of a pass for each core of a CPU beyond which it gets no faster, only larger: on two cores 384 and 432 tokens are as
fast as 576 (SmolLM2-135M), 288 are slower."""
CLOSE = 32
"""The least room that is enough is looked for until it is known to one in so many."""
Ids = Sequence[list[int]]


def room(*, rows: int, max_tokens: int, masked: bool = False, cores: int = 0) -> int:
    """Tokens of a sequence: what so many of the longest rows would take padded; with a mask, or on so many `cores` of a CPU
    (0: on a GPU), within reason, but never less than one row may have."""
    enough = min(LONGEST if masked else rows * max_tokens, cores * BUSY or rows * max_tokens)
    return min(rows * max_tokens, max(max_tokens, enough))


def pack(
    batch: Sequence[int], lengths: Sequence[int], *, room: int, processes: int, ids: Ids | None = None
) -> list[list[list[int]]]:
    """`[rank][turn] -> rows` of at most `room` tokens together; a longer row has a pass of its own. Every rank has the same
    number of turns; one for which nothing is left is an empty list.

    With `ids`, the tokens of every row, those that rows of a pass begin with alike count once; its rows are then in the order
    of their tokens, so that each shares most with the one before. The longest sequences come first, and those of one turn are
    about as long as each other: all ranks wait for the longest.
    """
    order = sorted(batch, key=lambda i: ids[i]) if ids else list(batch)
    shared = _sharing(order, ids) if ids else lambda row, others: 0
    falling = sorted(batch, key=lambda i: -lengths[i])
    full, taken = _fill(falling, lengths, room, shared)
    turns = -(-len(full) // processes)
    # As many turns with less room: memory is taken by the longest sequence, and the last one may be short.
    low, high = 0, room
    while high - low > max(1, room // CLOSE):
        middle = (low + high) // 2
        tried = _fill(falling, lengths, middle, shared)
        if len(tried[0]) <= turns * processes:
            (full, taken), high = tried, middle
        else:
            low = middle
    if ids:
        place = {row: number for number, row in enumerate(order)}
        full = [sorted(rows, key=place.__getitem__) for rows in full]
    longest = sorted(range(len(full)), key=lambda i: -taken[i])
    shares = [[full[i] for i in longest[rank::processes]] for rank in range(processes)]
    return [share + [[]] * (turns - len(share)) for share in shares]


def _fill(
    rows: Sequence[int], lengths: Sequence[int], room: int, shared: Callable[[int, list[int]], int]
) -> tuple[list[list[int]], list[int]]:
    """(the rows of each sequence, its tokens)."""
    full: list[list[int]] = []
    taken: list[int] = []
    for row in rows:
        begins = [shared(row, others) for others in full]
        fitting = [i for i, tokens in enumerate(taken) if tokens + lengths[row] - begins[i] <= room]
        if fitting:
            best = max(fitting, key=lambda i: (begins[i], taken[i]))
            full[best].append(row)
            taken[best] += lengths[row] - begins[best]
        else:
            full.append([row])
            taken.append(lengths[row])
    return full, taken


def _sharing(order: Sequence[int], ids: Ids) -> Callable[[int, list[int]], int]:
    """How many tokens a row begins with alike with one of others: in the order of their tokens, the least that any two
    neighbours between them do."""
    place = {row: number for number, row in enumerate(order)}
    near = [common(ids[one], ids[other]) for one, other in pairwise(order)]

    def shared(row: int, others: list[int]) -> int:
        spans = (sorted((place[row], place[other])) for other in others)
        return max((min(near[low:high]) for low, high in spans), default=0)

    return shared


def common(one: list[int], other: list[int]) -> int:
    """Tokens that two rows begin with alike. Their last ones are not counted: they are predicted, and predict nothing."""
    low, high = 0, min(len(one), len(other)) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
