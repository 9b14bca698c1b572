"""Unlabelled queries: requests of many domains, most of them without any seed tool.

What it is: the filling of `phrases/queries.txt` and, for a smaller share, of the training banks' whole requests.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from bank import Phrases, fill, read_bank
from problems import CASUAL

A_TEMPLATE = 9
"""Rows of one template at most: variety of wording counts for more than variety of values."""


def make_queries(path: Path, train_bank: dict[str, Phrases], from_train: int, taken: set[str]) -> list[dict[str, Any]]:
    """All rows, shuffled once; `taken` holds every labelled query in lower case and is added to."""
    rng = random.Random("selfimprove seeds: queries")
    made = [text for phrases in read_bank(path).values() for text in _of_section(phrases, A_TEMPLATE, rng, taken)]
    usual = [text for phrases in train_bank.values() for text in _of_section(phrases, 2, rng, taken)]
    rng.shuffle(usual)
    made += usual[:from_train]
    rng.shuffle(made)
    return [{"id": f"query-{number:04d}", "query": text} for number, text in enumerate(made, 1)]


def _of_section(phrases: Phrases, count: int, rng: random.Random, taken: set[str]) -> list[str]:
    found = []
    for template in phrases.marked(">"):
        kept = 0
        for _ in range(6 * count):
            text = fill(template, phrases, rng, rng.random() < CASUAL).text
            if kept < count and text.lower() not in taken:
                taken.add(text.lower())
                found.append(text)
                kept += 1
    return found
