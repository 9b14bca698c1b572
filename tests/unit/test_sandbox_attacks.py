"""A hostile call reaches nothing and costs nobody else anything: one attack or more for each property, on every sort of machine.

`here` is this machine as the tests run on it. The others are simulated by `sandbox_machine.py` where the tests run as root.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfimprove.sandbox import missing_walls, run_calls

ATTACKS = Path(__file__).with_name("sandbox_attacks.py")
MACHINE = Path(__file__).with_name("sandbox_machine.py")
Calls = list[tuple[str, dict[str, Any]]]
ADD = ("add", {"a": 1, "b": 2})
SIMULATED = ["user", "container", "user-without-namespaces"]


@pytest.fixture(params=["here", *SIMULATED])
def attack(request: pytest.FixtureRequest) -> Any:
    """Runs calls on a machine; gives [ok, value or error] for each. Skips where this machine itself lacks the walls."""

    def run(calls: Calls, seconds: float = 2.0, memory_mb: int = 256) -> list[list[Any]]:
        if request.param == "here":
            missing = missing_walls()
            results = run_calls(
                [ATTACKS], [{"name": n, "arguments": a} for n, a in calls], seconds=seconds, memory_mb=memory_mb
            )
            found = [[r.ok, r.value if r.ok else r.error] for r in results]
        else:
            job = {"modules": [str(ATTACKS)], "calls": calls, "seconds": seconds, "memory_mb": memory_mb}
            done = subprocess.run(
                [sys.executable, str(MACHINE), request.param, json.dumps(job)], capture_output=True, text=True, timeout=120,
            )
            assert done.returncode == 0, done.stderr[-2000:]
            answer = json.loads(done.stdout)
            missing, found = answer["missing"], answer["results"]
        if missing:
            pytest.skip(f"this machine says what it lacks: {missing}")
        return found

    if request.param != "here" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    return run


def test_a_fork_bomb_is_small_and_gone_before_the_next_call(attack: Any) -> None:
    bomb, after, growing, last = attack([("fork_bomb", {}), ADD, ("fork_bomb_of_children", {}), ADD])
    assert bomb[0] and 1 < bomb[1] <= 32
    assert not growing[0]
    assert after == last == [True, 3]


def test_memory_is_limited_for_one_process_and_for_all_together(attack: Any) -> None:
    alone, together, after = attack([("memory_bomb", {}), ("memory_bomb_of_many", {}), ADD], seconds=10)
    assert not alone[0] and "memory" in alone[1]
    assert not together[0] and "memory" in together[1]
    assert after == [True, 3]


def test_an_endless_loop_in_python_or_in_c_costs_only_itself(attack: Any) -> None:
    spin, blocked, after = attack([("spin", {}), ("block_in_c", {}), ADD], seconds=1)
    assert not spin[0] and "longer than 1 s" in spin[1]
    assert not blocked[0] and "longer than 1 s" in blocked[1]
    assert after == [True, 3]


def test_no_variable_of_the_parent_is_seen(attack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    seen, theirs = attack([("environment", {}), ("environment_of", {"pid": os.getpid()})])
    assert seen[0] and set(seen[1]) <= {"LC_CTYPE"}
    assert not theirs[0]


def test_files_outside_are_neither_read_nor_written(attack: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o666)
    paths = [str(secret), "/etc/passwd", "/etc/shadow", str(Path.home() / ".ssh"), "/proc/1/environ"]
    target, module = str(tmp_path / "new"), str(ATTACKS)
    calls = [("read", path) for path in paths] + [("write", path) for path in (target, str(secret), module, "/usr/x")]
    calls += [("remove", str(secret)), ("remove", module), ("read", module)]
    results = attack([(name, {"path": path}) for name, path in calls])
    assert [ok for ok, _ in results] == [False] * 11 + [True]
    assert secret.read_text() == "hunter2" and ATTACKS.exists() and not Path(target).exists()


def test_what_a_call_writes_is_gone_before_the_next(attack: Any) -> None:
    one, two, trap, three = attack([("here", {}), ("here", {}), ("leave_traps", {}), ("here", {})])
    assert one == two == three == [True, ["note"]]
    assert trap[0]


@pytest.fixture
def server() -> Iterator[int]:
    """A port of this machine that answers everybody."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.sendall(b"hello")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def test_no_socket_is_reached_or_opened(attack: Any, server: int, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", server)) as connection:
        assert connection.recv(10) == b"hello"
    with socket.socket(socket.AF_UNIX) as local:
        path = f"/tmp/selfimprove-test-{os.getpid()}.sock"
        local.bind(path)
        local.listen()
        Path(path).chmod(0o777)
        try:
            results = attack([("connect", {"port": server}), ("connect_unix", {"path": path}), ("listen", {})])
        finally:
            Path(path).unlink()
    assert [ok for ok, _ in results] == [False] * 3


def test_a_call_can_end_neither_its_parent_nor_what_watches_it_for_the_others(attack: Any) -> None:
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    pids = [os.getpid(), bystander.pid, os.getppid()]
    try:
        kills = [("kill", {"pid": pid}) for pid in pids if pid > 1]
        results = attack([*kills, ("kill_the_loader", {}), ADD, ("stop_the_loader", {}), ADD])
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert not any(ok for ok, _ in results[:-4])
    assert results[-3] == results[-1] == [True, 3]


def test_gigabytes_of_output_are_neither_kept_nor_waited_for(attack: Any) -> None:
    calls = [("shout", {}), ("huge_result", {}), ("endless_result", {}), ADD]
    shout, huge, endless, after = attack(calls, seconds=5, memory_mb=1024)
    assert shout == [True, "done"]
    assert not huge[0] and not endless[0]
    assert after == [True, 3]


def test_files_are_limited_in_size_and_together(attack: Any) -> None:
    big, _, after = attack([("big_file", {}), ("raise_limits", {}), ADD])
    assert not big[0] and after == [True, 3]


def test_a_call_cannot_forge_the_results_of_others(attack: Any) -> None:
    forged, one, two = attack([("forge", {}), ADD, ("count", {})])
    assert forged[1] != "forged" or not forged[0]
    assert one == [True, 3] and two == [True, 1]


def test_no_right_can_be_had_back(attack: Any) -> None:
    identity, limits, root = attack([("identity", {}), ("raise_limits", {}), ("become_root", {})])
    assert 0 not in identity[1]
    assert limits == [True, []] and root == [True, []]


def test_a_result_that_no_json_carries_is_an_error(attack: Any) -> None:
    assert [ok for ok, _ in attack([("deep", {}), ("surrogate", {}), ADD])] == [False, False, True]


def ours(note: str) -> list[str]:
    """Command lines of living processes with a word in them."""
    rows = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    return [row for row in rows.splitlines() if note in row and row.split()[1][0] != "Z"]


FORKED = "setsid sleep 4321.5 & setsid sleep 4321.5 & sleep 4321.5"


@pytest.mark.parametrize("command", [FORKED, "exec sleep 4321.5"])
def test_a_killed_run_leaves_nothing_of_a_call_running_on_the_machine(command: str) -> None:
    calls = [{"name": "shell", "arguments": {"command": command}}]
    code = f"from selfimprove.sandbox import run_calls; run_calls([{str(ATTACKS)!r}], {calls!r}, seconds=600)"
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).resolve().parents[2])
    try:
        until(lambda: bool(ours("sleep 4321.5")))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not ours("sleep 4321.5"))
        assert ours("sleep 4321.5") == []
    finally:
        parent.kill()


def until(true: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_what_forks_away_is_gone_when_the_batch_is() -> None:
    away = {"name": "shell", "arguments": {"command": "trap '' HUP TERM; setsid sleep 4322.5 >/dev/null 2>&1 & echo away"}}
    assert run_calls([ATTACKS], [away])[0].value == "away\n"
    assert ours("sleep 4322.5") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up what a container lacks")
def test_a_machine_that_lacks_walls_says_which_and_still_runs_calls() -> None:
    job = {"modules": [str(ATTACKS)], "calls": [ADD, ("identity", {})], "seconds": 2.0, "memory_mb": 256}
    command = [sys.executable, str(MACHINE), "old-kernel", json.dumps(job)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["results"][0] == [True, 3] and 0 not in answer["results"][1][1]
    assert any("read what you can" in sentence for sentence in answer["missing"])
    assert any("end other processes of yours" in sentence for sentence in answer["missing"])
