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
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selfimprove.sandbox import missing_walls, run_calls

ATTACKS = Path(__file__).with_name("sandbox_attacks.py")
MACHINE = Path(__file__).with_name("sandbox_machine.py")
Calls = list[tuple[str, dict[str, Any]]]
ADD = ("add", {"a": 1, "b": 2})
SIMULATED = ["user", "container", "user-without-namespaces", "root-without-mounts"]
SECRET = "hunter2"


@dataclass
class Scene:
    """What a tool must not reach: a file, a port, a socket, a process."""

    folder: Path
    port: int
    local: str
    bystander: subprocess.Popen[bytes]

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    def hurried(self) -> dict[str, Calls]:
        """Attacks that only time ends, by what they are against."""
        return {
            "loops": [("spin", {}), ("block_in_c", {}), ADD],
            "growth": [("fork_bomb_of_children", {}), ADD],
            "loader": [("kill_the_loader", {}), ADD, ("stop_the_loader", {}), ADD],
        }

    def patient(self) -> dict[str, Calls]:
        """The others."""
        read = [str(self.secret), "/etc/passwd", "/etc/shadow", str(Path.home() / ".ssh"), "/proc/1/environ"]
        write = [str(self.folder / "new"), str(self.secret), str(ATTACKS), "/usr/x"]
        kill = [pid for pid in (os.getpid(), self.bystander.pid, os.getppid()) if pid > 1]
        return {
            "forks": [("fork_bomb", {}), ADD],
            "memory": [("memory_bomb", {}), ("memory_bomb_of_many", {}), ADD],
            "environment": [("environment", {}), ("environment_of", {"pid": os.getpid()})],
            "outside": [*(("read", {"path": p}) for p in read), *(("write", {"path": p}) for p in write),
                        *(("remove", {"path": p}) for p in (str(self.secret), str(ATTACKS)))],
            "modes": [("open_up", {"path": str(ATTACKS)}), ("open_up", {"path": str(self.folder)})],
            "own": [("read", {"path": str(ATTACKS)})],
            "left": [("here", {}), ("here", {}), ("leave_traps", {}), ("here", {})],
            "network": [("connect", {"port": self.port}), ("connect_unix", {"path": self.local}), ("listen", {})],
            "kills": [("kill", {"pid": pid}) for pid in kill],
            "output": [("shout", {}), ("huge_result", {}), ("endless_result", {}), ADD],
            "files": [("big_file", {}), ("memory_in_files", {}), ADD],
            "forgery": [("forge", {}), ADD, ("count", {})],
            "rights": [("identity", {}), ("raise_limits", {}), ("become_root", {})],
            "json": [("deep", {}), ("surrogate", {}), ADD],
        }  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o666)
    path = f"/tmp/selfimprove-test-{os.getpid()}.sock"
    os.environ["A_SECRET"] = SECRET
    bystander = subprocess.Popen(["/bin/sleep", "600"])
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(path)
        local.listen()
        Path(path).chmod(0o777)
        try:
            yield Scene(folder, server.getsockname()[1], path, bystander)
        finally:
            Path(path).unlink()
            bystander.kill()
            bystander.wait()
            del os.environ["A_SECRET"]


@pytest.fixture(scope="module", params=["here", *SIMULATED])
def found(request: pytest.FixtureRequest, scene: Scene) -> dict[str, list[list[Any]]]:
    """[ok, value or error] of every attack, by what it is against: all of them in two batches, beside each other."""
    if request.param != "here" and os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    results: dict[str, list[list[Any]]] = {}
    for attacks, seconds in ((scene.hurried(), 1.0), (scene.patient(), 10.0)):
        made = on_machine(request.param, [call for calls in attacks.values() for call in calls], seconds)
        for name, calls in attacks.items():
            results[name], made = made[: len(calls)], made[len(calls) :]
    return results


def on_machine(machine: str, calls: Calls, seconds: float) -> list[list[Any]]:
    """Skips where this machine itself lacks the walls, and says so."""
    if machine == "here":
        missing = missing_walls()
        given = [{"name": name, "arguments": arguments} for name, arguments in calls]
        made = [[r.ok, r.value if r.ok else r.error] for r in run_calls([ATTACKS], given, seconds=seconds, memory_mb=256)]
    else:
        job = {"modules": [str(ATTACKS)], "calls": calls, "seconds": seconds, "memory_mb": 256}
        command = [sys.executable, str(MACHINE), machine, json.dumps(job)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
        missing, made = json.loads(done.stdout)["missing"], json.loads(done.stdout)["results"]
    if missing:
        pytest.skip(f"this machine says what it lacks: {missing}")
    return made


Found = dict[str, list[list[Any]]]
FINE = [True, 3]


def test_a_fork_bomb_is_small_and_gone_before_the_next_call(found: Found) -> None:
    (ok, started), after = found["forks"]
    assert ok and 1 < started <= 32 and after == FINE
    growing, after = found["growth"]
    assert not growing[0] and after == FINE


def test_memory_is_limited_for_one_process_and_for_all_together(found: Found) -> None:
    alone, together, after = found["memory"]
    assert not alone[0] and "memory" in alone[1]
    assert not together[0] and "memory" in together[1]
    assert after == FINE


def test_an_endless_loop_in_python_or_in_c_costs_only_itself(found: Found) -> None:
    spin, blocked, after = found["loops"]
    assert not spin[0] and "longer than 1 s" in spin[1]
    assert not blocked[0] and "longer than 1 s" in blocked[1]
    assert after == FINE


def test_no_variable_of_the_parent_is_seen(found: Found) -> None:
    assert os.environ["A_SECRET"] == SECRET
    seen, theirs = found["environment"]
    assert seen[0] and set(seen[1]) <= {"LC_CTYPE"}
    assert not theirs[0]


def test_files_outside_are_neither_read_nor_written(found: Found, scene: Scene) -> None:
    assert [ok for ok, _ in found["outside"]] == [False] * 11
    assert [ok for ok, _ in found["modes"]] == [False] * 2
    assert found["own"][0][0]
    assert scene.secret.read_text() == SECRET and ATTACKS.exists() and not (scene.folder / "new").exists()


def test_what_a_call_writes_is_gone_before_the_next(found: Found) -> None:
    one, two, trap, three = found["left"]
    assert one == two == three == [True, ["note"]]
    assert trap[0]


def test_no_socket_is_reached_or_opened(found: Found, scene: Scene) -> None:
    socket.create_connection(("127.0.0.1", scene.port)).close()
    assert [ok for ok, _ in found["network"]] == [False] * 3


def test_a_call_can_end_neither_its_parent_nor_what_watches_it_for_the_others(found: Found, scene: Scene) -> None:
    assert scene.bystander.poll() is None
    assert not any(ok for ok, _ in found["kills"]) and len(found["kills"]) >= 2
    assert found["loader"][1] == found["loader"][3] == FINE


def test_gigabytes_of_output_are_neither_kept_nor_waited_for(found: Found) -> None:
    shout, huge, endless, after = found["output"]
    assert shout == [True, "done"]
    assert not huge[0] and not endless[0]
    assert after == FINE


def test_files_are_limited_in_size_and_together(found: Found) -> None:
    big, many, after = found["files"]
    assert not big[0] and after == FINE
    # Megabytes of small files: none can be added, or the call is ended.
    assert many[1] <= 32 if many[0] else "more than its folder may hold" in many[1]


def test_a_call_cannot_forge_the_results_of_others(found: Found) -> None:
    forged, one, two = found["forgery"]
    assert forged[1] != "forged" or not forged[0]
    assert one == FINE and two == [True, 1]


def test_no_right_can_be_had_back(found: Found) -> None:
    identity, limits, root = found["rights"]
    assert 0 not in identity[1]
    assert limits == [True, []] and root == [True, []]


def test_a_result_that_no_json_carries_is_an_error(found: Found) -> None:
    assert [ok for ok, _ in found["json"]] == [False, False, True]


def ours(note: str) -> list[str]:
    """Command lines of living processes with a word in them."""
    rows = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    return [row for row in rows.splitlines() if note in row and row.split()[1][0] != "Z"]


FORKED = "setsid sleep 4321.5 & setsid sleep 4321.5 & sleep 4321.5"


@pytest.mark.parametrize("command", [FORKED, "exec sleep 4321.5"], ids=["forked", "replaced"])
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
