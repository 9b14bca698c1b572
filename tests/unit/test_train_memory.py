"""A training that ran out of memory is tried again with less; one that died of something else is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove.train.memory import kernel_kills, ran_out


@pytest.mark.parametrize(
    "said",
    [
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] data. DefaultCPUAllocator: not enough memory: you tried",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried",
        "MemoryError: ", "OSError: [Errno 12] Cannot allocate memory",
    ],
)  # fmt: skip
def test_what_torch_and_python_say_is_known(said: str) -> None:
    assert ran_out(said, None)


def test_a_kill_by_a_person_is_no_want_of_memory() -> None:
    now = kernel_kills()
    assert not ran_out("", now) and not ran_out("", None)
    if now is not None:
        assert ran_out("", now - 1)
        assert not ran_out("row r1 has no supervised tokens", now - 1)


def test_the_control_group_is_asked_before_the_machine(tmp_path: Path) -> None:
    group, machine, none = tmp_path / "memory.events", tmp_path / "vmstat", tmp_path / "gone"
    group.write_text("low 0\noom 2\noom_kill 1\n")
    machine.write_text("nr_free_pages 7\noom_kill 5\n")
    assert kernel_kills((group, machine)) == 1 and kernel_kills((none, machine)) == 5
    assert kernel_kills((none,)) is None
