"""Quotas and picks: a round is as large as configured, and no row is taken twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selfimprove.select.mixture import pick, quotas

SHARES = st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1), min_size=1)


@given(SHARES, st.integers(0, 500))
def test_quotas_are_whole_add_up_and_are_less_than_one_off(shares: dict[str, float], total: int) -> None:
    found = quotas(shares, total)
    whole = sum(shares.values())
    assert found.keys() == shares.keys() and min(found.values()) >= 0
    assert sum(found.values()) == (total if whole else 0)
    assert all(abs(found[n] - s / whole * total) < 1 + 1e-6 for n, s in shares.items() if whole)


@given(SHARES, st.integers(1, 200))
def test_quotas_do_not_depend_on_the_order_of_kinds(shares: dict[str, float], total: int) -> None:
    assert quotas(shares, total) == quotas(dict(reversed(shares.items())), total)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40)), SHARES, st.integers(0, 200))
def test_a_pick_takes_as_many_as_there_are_and_none_twice(sizes: dict[str, int], shares: dict[str, float], total: int) -> None:
    rows = {kind: [(kind, n) for n in range(size)] for kind, size in sizes.items()}
    taken = pick(rows, shares, total)
    assert len(taken) == len(set(taken)) == min(total, sum(sizes.values()))
    for kind in rows:
        mine = [row for row in taken if row[0] == kind]
        assert mine == rows[kind][: len(mine)]
