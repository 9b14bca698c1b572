"""Starting the ranks: a port of its own each time, since a fixed one fails in runs that follow each other closely."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Train
from selfimprove.train import launch
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


def test_what_a_user_sets_of_the_allocator_is_read_last_by_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=7")
    assert OneMachine().environment(Train())["GLIBC_TUNABLES"].endswith(":glibc.malloc.tcache_count=7")


def test_half_of_a_micro_batch_is_tried_only_where_it_needs_less_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (rows := tmp_path / "rows.jsonl").write_text("")
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    def of_a_pass(max_tokens: int, *, on_gpu: bool = False, packing: Any = "auto") -> int:
        config = Train(batch=8, micro_batch=8, packing=packing)
        return launch._rows_of_a_pass(launch._spec(tmp_path, rows, config, max_tokens, 1e-5, 7, {}), on_gpu=on_gpu)

    assert of_a_pass(760) == 1 and of_a_pass(288) == 2 and of_a_pass(40) == 8
    assert of_a_pass(760, on_gpu=True) == of_a_pass(760, packing=False) == 8
