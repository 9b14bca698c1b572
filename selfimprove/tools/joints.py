"""How two requests become one, for problems whose gold is two calls.

    join("What's the weather in Oslo?", "Set a timer for 5 minutes.", random.Random(1))
"""

from __future__ import annotations

import random

JOINTS = ("{} And {}", "{} Then {}", "{} Next: {}", "{} One more thing: {}", "{} {}", "First: {} Second: {}")
"""None of them in the phrase banks of gate and test."""


def join(first: str, second: str, rng: random.Random) -> str:
    return rng.choice(JOINTS).format(_ended(first), second)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
