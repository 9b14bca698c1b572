"""One real vLLM engine: what it makes, and what is left when it or its parent is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import open_engine
from selfimprove.engine.process import WorkerEngine, group_members
from selfimprove.errors import EngineError
from selfimprove.records import Completion, Request

pytestmark = pytest.mark.real
CONFIG = EngineConfig(kind="vllm", max_model_len=256, kv_cache_gb=0.25, max_sequences=16)


def request(name: str, **settings: object) -> Request:
    content = {"role": "user", "content": f"The weather in the city of {name}, please."}
    return Request.model_validate({"id": name, "messages": [content], "max_tokens": 12, "seed": 5, **settings})


@pytest.fixture(scope="module")
def engine(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerEngine]:
    with open_engine(CONFIG, tiny_model, tmp_path_factory.mktemp("logs")) as opened:
        assert isinstance(opened, WorkerEngine)
        yield opened


def complete(engine: WorkerEngine, requests: list[Request]) -> dict[tuple[str, int], Completion]:
    return {(row.request, row.index): row for row in engine.complete(requests)}


def pid_of(engine: WorkerEngine) -> int:
    return engine._workers[0].child.process.pid


def test_what_it_makes(engine: WorkerEngine) -> None:
    sampled = {"temperature": 0.9, "top_k": 50, "top_p": 0.95}
    alone = complete(engine, [request("Oslo", k=3, **sampled)])
    others = [request(f"place {i} " * (1 + i % 7), id=f"other {i}", temperature=0.7 * (i % 2)) for i in range(24)]
    mixed = complete(engine, [*others, request("Oslo", k=3, **sampled), request("far " * 300, id="far", k=2)])
    for index in range(3):
        assert mixed["Oslo", index].tokens == alone["Oslo", index].tokens, "a sample depends on its neighbours"
        assert mixed["Oslo", index].logprob == pytest.approx(alone["Oslo", index].logprob, abs=1e-3)
    assert len({mixed["Oslo", index].tokens for index in range(3)}) == 3
    assert mixed["Oslo", 0].finish == "length" and len(mixed["Oslo", 0].tokens) == 12
    assert [mixed["far", index].finish for index in (0, 1)] == ["too_long", "too_long"]
    assert len(mixed) == 24 + 3 + 2


def test_it_agrees_with_the_reference_engine(engine: WorkerEngine, tiny_model: Path, tmp_path: Path) -> None:
    requests = [request(name, id=f"greedy {name}") for name in ("Oslo", "Rome", "Lima")]
    ours = complete(engine, requests)
    with open_engine(CONFIG.model_copy(update={"kind": "transformers"}), tiny_model, tmp_path) as reference:
        for row in reference.complete(requests):
            assert ours[row.request, 0].tokens == row.tokens
            assert ours[row.request, 0].logprob == pytest.approx(row.logprob, abs=1e-3)
            assert ours[row.request, 0].prompt_tokens == row.prompt_tokens


def test_it_weighs_given_answers_as_the_reference_engine_does(engine: WorkerEngine, tiny_model: Path, tmp_path: Path) -> None:
    """What the judge rests on; beside sampled requests, which share prefixes with them."""
    weighed = [request(n, id=f"weighed {n}", answers=["yes", "no", "neither of the two"], k=3) for n in ("Oslo", "Rome")]
    ours = complete(engine, [request("Oslo", id="beside", k=2, temperature=0.7), *weighed])
    assert len(ours) == 8
    with open_engine(CONFIG.model_copy(update={"kind": "transformers"}), tiny_model, tmp_path) as reference:
        for row in reference.complete(weighed):
            assert ours[row.request, row.index].tokens == row.tokens
            assert ours[row.request, row.index].logprob == pytest.approx(row.logprob, abs=1e-3)


def test_a_killed_worker_is_reported_and_nothing_is_left(engine: WorkerEngine) -> None:
    complete(engine, [request("Oslo")])
    pid = pid_of(engine)
    rows = engine.complete([request(f"place {i}", max_tokens=200, temperature=1.0) for i in range(64)])
    with pytest.raises(EngineError, match=r"engine worker 0 died; its log .*engine-0\.log ends with:\n"):
        for number, _ in enumerate(rows):
            if number == 0:
                os.kill(pid, signal.SIGKILL)
    assert group_members(pid) == []


def test_a_worker_dies_with_its_parent(tiny_model: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from selfimprove.config.model import Engine;"
        "from selfimprove.engine import open_engine; from selfimprove.records import Request, Message;"
        "engine = open_engine(Engine(kind='vllm', max_model_len=256, kv_cache_gb=0.25), Path(sys.argv[1]), Path(sys.argv[2]));"
        "list(engine.complete([Request(id='a', messages=(Message(role='user', content='hi'),), max_tokens=2)]));"
        "print(engine._workers[0].child.process.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_model), str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert group_members(worker)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while group_members(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert group_members(worker) == []
