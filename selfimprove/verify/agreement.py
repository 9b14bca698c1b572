"""Agreement: of several answers to one problem without gold, the one that most gave, if it leads clearly.

    elect({"a": 3, "b": 1}, k=4, share=0.5, margin=1) == ("a", 0.75, True)
"""

from __future__ import annotations

from collections.abc import Mapping


def elect(votes: Mapping[str, int], k: int, share: float, margin: int) -> tuple[str | None, float, bool]:
    """(winner, its share of all k, whether share and lead are large enough). The first given wins a tie and does not lead."""
    ranked = sorted(votes.items(), key=lambda item: -item[1])
    if not ranked:
        return None, 0.0, False
    winner, count = ranked[0]
    lead = count - (ranked[1][1] if len(ranked) > 1 else 0)
    return winner, count / k, count >= share * k and lead >= margin
