"""A real Prefect server: the loop's flow runs appear there, and the shipped deployments can be made."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.command import ROOT, command, environment

pytestmark = pytest.mark.real
PREFECT = Path(sys.executable).with_name("prefect")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of a server of this test's own."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        **environment(), "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }  # fmt: skip
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PREFECT), "server", "start", "--host", "127.0.0.1", "--port", str(port)], env=settings, stdout=log, stderr=log
        )
        try:
            wait_for_health(settings["PREFECT_API_URL"])
            yield settings
        finally:
            process.terminate()
            process.wait(30)


def wait_for_health(url: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < deadline, "the Prefect server did not come up"
            time.sleep(0.5)


def post(server: dict[str, str], path: str) -> list[dict[str, object]]:
    request = urllib.request.Request(
        server["PREFECT_API_URL"] + path, data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.loads(answer.read())
        assert isinstance(found, list)
        return found


def test_a_run_appears_on_the_teams_own_server_with_a_task_for_each_stage(
    server: dict[str, str], tiny_model: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        command(tmp_path / "runs", tiny_model, "run.rounds=1"), cwd=ROOT, env=server, text=True, capture_output=True, timeout=400
    )
    assert done.returncode == 0, done.stderr[-3000:]
    flows = {str(run["name"]): run["state_type"] for run in post(server, "/flow_runs/filter")}
    assert {"improve-smoke", "smoke-bootstrap", "smoke-round-1", "smoke-final-1"} <= flows.keys(), flows
    assert set(flows.values()) == {"COMPLETED"}
    tasks = {str(run["name"]).rsplit("-", 1)[0] for run in post(server, "/task_runs/filter")}
    assert {"generate", "verify", "select", "train", "evaluate", "decide", "publish"} <= tasks, tasks


def test_the_shipped_deployments_are_accepted_with_their_schedule_and_described_parameters(server: dict[str, str]) -> None:
    settings = {**server, "SELFIMPROVE_HOME": str(ROOT)}
    for words in (["work-pool", "create", "selfimprove", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        done = subprocess.run([str(PREFECT), *words], cwd=ROOT, env=settings, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    found = {str(d["name"]): d for d in post(server, "/deployments/filter")}
    assert set(found) == {"weekend", "round"}
    assert found["weekend"]["schedules"] and not found["round"]["schedules"]
    schema = found["round"]["parameter_openapi_schema"]
    assert isinstance(schema, dict)
    assert all(p.get("description") for p in schema["properties"].values()), schema


def test_the_environment_of_the_tests_reaches_no_other_server() -> None:
    assert not [name for name in environment() if name.startswith("PREFECT_")], os.environ.get("PREFECT_API_URL")
