"""Starting the ranks: a port of its own each time, since a fixed one fails in runs that follow each other closely."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from selfimprove.config.model import Train
from selfimprove.train.launcher import OneMachine, _cards


def port(out: Path) -> int:
    (word,) = [word for word in OneMachine().command(out, Train()) if word.startswith("--master_port=")]
    return int(word.split("=")[1])


def test_each_training_has_a_port_that_nobody_holds(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", port(tmp_path)))
        held.listen()
        found = {port(tmp_path) for _ in range(5)}
        assert held.getsockname()[1] not in found and 29500 not in found


@pytest.mark.parametrize(
    ("visible", "processes", "cards"),
    [("", 2, [0, 1]), ("3,5,6", 2, [3, 5]), ("3", 2, [0, 1]), ("GPU-abc", 1, [0]), ("-1", 1, [0])],
)
def test_only_the_cards_that_are_allowed_are_used(
    monkeypatch: pytest.MonkeyPatch, visible: str, processes: int, cards: list[int]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert _cards(processes) == cards
