"""How many rows of each kind: shares of kinds are held to the pool's, whatever a vote prefers.

    pick({"single": [...], "parallel": [...]}, {"single": 0.7, "parallel": 0.3}, 10)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def quotas(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers that add up to `total`, as near to the shares as they get (largest remainders)."""
    whole = sum(shares.values())
    if not whole or total <= 0:
        return dict.fromkeys(shares, 0)
    exact = {name: share / whole * total for name, share in shares.items()}
    found = {name: int(value) for name, value in exact.items()}
    short = total - sum(found.values())
    for name in sorted(exact, key=lambda n: (found[n] - exact[n], n))[:short]:
        found[name] += 1
    return found


def pick(rows: Mapping[str, Sequence[T]], shares: Mapping[str, float], total: int) -> list[T]:
    """The first rows of each kind up to its quota; what one kind lacks is shared out among the others."""
    taken = dict.fromkeys(rows, 0)
    left = min(total, sum(len(r) for r in rows.values()))
    while left > 0:
        open_kinds = {k: shares.get(k, 0.0) or 1e-9 for k in rows if taken[k] < len(rows[k])}
        for kind, count in quotas(open_kinds, left).items():
            taken[kind] = min(len(rows[kind]), taken[kind] + count)
        left = min(total, sum(len(r) for r in rows.values())) - sum(taken.values())
    return [row for kind in sorted(rows) for row in rows[kind][: taken[kind]]]
