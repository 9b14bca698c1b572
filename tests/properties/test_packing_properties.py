"""Packed rows: each once, none where it has no room, the same number of turns for every rank."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from selfimprove.train.packing import common, pack, room
from selfimprove.train.schedule import micro_batches

LENGTHS = some.lists(some.integers(2, 300), min_size=1, max_size=40)


@given(LENGTHS, some.integers(2, 1200), some.integers(1, 4))
def test_every_row_is_packed_once_and_fits(lengths: list[int], room: int, processes: int) -> None:
    ranks = pack(range(len(lengths)), lengths, room=room, processes=processes)
    turns = [turn for rank in ranks for turn in rank]
    assert sorted(row for turn in turns for row in turn) == list(range(len(lengths)))
    assert all(len(turn) == 1 or sum(lengths[row] for row in turn) <= room for turn in turns)
    # A rank with a turn less would leave the others waiting in a reduction for ever.
    assert len({len(rank) for rank in ranks}) == 1 and any(rank[-1] for rank in ranks)


@given(LENGTHS, some.integers(1, 8), some.integers(1, 4))
def test_packing_never_takes_more_passes_than_padding(lengths: list[int], micro: int, processes: int) -> None:
    """With the room that as many of the longest rows would take padded."""
    packed = pack(range(len(lengths)), lengths, room=micro * max(lengths), processes=processes)
    turns = -(-len(lengths) // (micro * processes))
    assert len(packed[0]) <= len(micro_batches(range(len(lengths)), lengths, turns=turns, processes=processes)[0])


def test_best_fit_leaves_less_room_than_the_order_of_the_draw() -> None:
    lengths = [60, 70, 40, 30, 50, 50]
    assert [[lengths[row] for row in turn] for turn in pack(range(6), lengths, room=100, processes=1)[0]] == [
        [70, 30], [60, 40], [50, 50],
    ]  # fmt: skip


def test_a_sequence_has_the_room_of_a_padded_pass_but_none_so_long_that_a_mask_costs_more() -> None:
    assert room(rows=2, max_tokens=288) == 576 and room(rows=8, max_tokens=2048) == 16384
    assert room(rows=2, max_tokens=288, cores=2) == 432 and room(rows=1, max_tokens=700, cores=2) == 700
    assert room(rows=8, max_tokens=2048, masked=True) == 4096 and room(rows=2, max_tokens=9000, masked=True) == 9000


def test_a_row_longer_than_the_room_is_still_trained() -> None:
    assert pack([0, 1], [500, 3], room=10, processes=2) == [[[0]], [[1]]]


@given(some.lists(some.lists(some.integers(0, 2), min_size=2, max_size=12), min_size=1, max_size=30), some.integers(2, 40))
def test_rows_that_share_their_beginning_fit_in_the_room_and_are_packed_once(ids: list[list[int]], room: int) -> None:
    lengths = [len(row) for row in ids]
    turns = pack(range(len(ids)), lengths, room=room, processes=1, ids=ids)[0]
    assert sorted(row for turn in turns for row in turn) == list(range(len(ids)))
    for turn in turns:
        tokens = lengths[turn[0]] + sum(lengths[b] - common(ids[a], ids[b]) for a, b in pairwise(turn))
        assert len(turn) == 1 or tokens <= room
        # No other order shares more: each row beside the one that it begins with most alike.
        assert all(
            common(ids[turn[n - 1]], ids[turn[n]]) == max(common(ids[one], ids[turn[n]]) for one in turn[:n])
            for n in range(1, len(turn))
        )


def test_rows_over_the_same_tools_meet_in_one_pass() -> None:
    """Four of two prompts: a pass for each prompt, where the lengths alone would have mixed them."""
    ids = [[1] * 50 + [2] * 10, [3] * 50 + [4] * 10, [1] * 50 + [5] * 10, [3] * 50 + [6] * 10]
    assert pack(range(4), [60] * 4, room=80, processes=1, ids=ids)[0] == [[0, 2], [1, 3]]


@given(some.lists(some.integers(0, 2), min_size=1, max_size=9), some.lists(some.integers(0, 2), min_size=1, max_size=9))
def test_the_last_token_is_never_shared_since_it_predicts_nothing(one: list[int], other: list[int]) -> None:
    alike = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert common(one, other) == min(alike, len(one) - 1, len(other) - 1)
