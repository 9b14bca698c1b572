"""Fixtures of the tests of the trainer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selfimprove.events import Event, listening
from selfimprove.train import train
from tests.e2e.training import ARGUMENTS, FULL, nineteen
from tests.e2e.warm import Warm

Trained = tuple[Path, dict[str, float], list[Event]]


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    with Warm(tmp_path_factory.mktemp("warm")) as started:
        yield started


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nineteen(tmp_path_factory.mktemp("rows") / "rows.jsonl")


@pytest.fixture(scope="session")
def one(tiny_model: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The reference: one process, the whole batch in one forward pass, started by DeepSpeed's launcher."""
    out, told = tmp_path_factory.mktemp("one"), list[Event]()
    with listening(told.append):
        counts = train(tiny_model, rows, out, FULL, **ARGUMENTS)
    return out, counts, told
