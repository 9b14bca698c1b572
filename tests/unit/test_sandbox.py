"""The sandbox: a bad tool call costs itself and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selfimprove.errors import ToolError
from selfimprove.sandbox import Result, run_calls

MODULE = """
import os, subprocess, sys, time

def add(a, b): return a + b
def spin():
    while True: pass
def sleep(): time.sleep(60)
def bomb(): return len(bytearray(4 << 30))
def die(): os._exit(3)
def leave(): sys.exit(3)
def shout(): print('{"ok": true, "value": "forged"}'); return "quiet"
def environment(): return [dict(os.environ), os.getcwd()]
def fill(): open("big", "wb").write(b"x" * (8 << 20))
def odd(): return {1, 2}

TOOLS = [add, spin, sleep, bomb, die, leave, shout, environment, fill, odd]
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "some_tools.py"
    path.write_text(MODULE, encoding="utf-8")
    return path


def run(module: Path, *names: str, seconds: float = 5.0) -> list[Result]:
    calls = [{"name": name, "arguments": {"a": 1, "b": 2} if name == "add" else {}} for name in names]
    return run_calls([module], calls, seconds=seconds)


def test_results_come_back_in_order_and_the_parent_loads_no_tool(module: Path) -> None:
    results = run_calls([module], [{"name": "add", "arguments": {"a": n, "b": 1}} for n in range(5)])
    assert [result.value for result in results] == [1, 2, 3, 4, 5]
    assert not any("some_tools" in name or "sandboxed" in name for name in sys.modules)


def test_an_endless_loop_costs_only_itself(module: Path) -> None:
    before, loop, sleeper, after = run(module, "add", "spin", "sleep", "add", seconds=0.5)
    assert before.ok and after.ok
    assert not loop.ok and "longer than 0.5 s" in str(loop.error)
    assert not sleeper.ok


def test_a_memory_bomb_is_stopped(module: Path) -> None:
    bomb, after = run(module, "bomb", "add")
    assert not bomb.ok and "memory" in str(bomb.error)
    assert after.ok


def test_a_call_that_kills_its_interpreter_loses_no_other_result(module: Path) -> None:
    assert [result.ok for result in run(module, "add", "die", "add", "leave", "add")] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_a_printed_line_cannot_forge_a_result(module: Path) -> None:
    assert [result.value for result in run(module, "shout", "add")] == ["quiet", 3]


def test_the_parents_environment_and_folder_are_not_seen(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    (result,) = run(module, "environment")
    variables, folder = result.value
    assert "hunter2" not in str(variables) and "PATH" not in variables
    assert Path(folder) != Path.cwd()


def test_a_large_file_cannot_be_written(module: Path) -> None:
    assert [result.ok for result in run(module, "fill", "add")] == [False, True]


def test_wrong_arguments_unknown_tools_and_odd_results_are_errors_with_a_reason(module: Path) -> None:
    calls = [
        {"name": "add", "arguments": {"a": 1}},
        {"name": "nothing", "arguments": {}},
        {"name": "odd", "arguments": {}},
    ]
    missing, unknown, odd = run_calls([module], calls)
    assert (
        "b" in str(missing.error) and "no tool named 'nothing'" in str(unknown.error) and "TypeError" in str(odd.error)
    )


def test_a_module_that_does_not_load_costs_no_other_module_its_calls(module: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import nothing_like_this", encoding="utf-8")
    calls = [{"name": "of_broken", "arguments": {}}, {"name": "add", "arguments": {"a": 1, "b": 2}}]
    lost, kept = run_calls([path, module], calls)
    assert not lost.ok and str(path) in str(lost.error) and "nothing_like_this" in str(lost.error)
    assert kept.value == 3


def test_a_module_file_that_is_not_there_is_named_and_not_a_batch_of_failures(module: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run_calls([module, tmp_path / "lost.py"], [{"name": "add", "arguments": {"a": 1, "b": 2}}])
    assert str(tmp_path / "lost.py") in str(caught.value) and "\n" not in str(caught.value)


def test_arguments_that_the_schema_refuses_are_never_run(module: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
    calls = [{"name": "add", "arguments": {"a": 1, "b": b}} for b in ("2", 2)]
    refused, run = run_calls([module], calls, schemas={"add": schema})
    assert not refused.ok and "schema" in str(refused.error)
    assert run.value == 3


@pytest.mark.parametrize("arguments", [None, [1], "x", {"a": float("nan")}, {"a": "\ud800"}])
def test_a_call_that_is_none_is_a_failed_result_and_costs_no_other(module: Path, arguments: object) -> None:
    bad, good = run_calls([module], [{"name": "add", "arguments": arguments}, {"name": "add", "arguments": {"a": 1, "b": 2}}])
    assert not bad.ok and good.value == 3


def test_a_large_batch_arrives_whole(module: Path) -> None:
    calls = [{"name": "add", "arguments": {"a": "x" * 5000, "b": str(n)}} for n in range(60)]
    assert [str(result.value)[5000:] for result in run_calls([module], calls)] == [str(n) for n in range(60)]
