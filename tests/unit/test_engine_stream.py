"""Streaming to disk, resuming, and what the parent says of an engine that cannot work. No model library is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import complete_to_file, open_engine
from selfimprove.engine.scripted import ScriptedEngine
from selfimprove.errors import EngineError
from selfimprove.events import Event, Progress, listening
from selfimprove.records import Completion, Message, Request


class Counting(ScriptedEngine):
    """Counts what it is asked for; dies after `lives` completions where that is set."""

    def __init__(self, script: Path, lives: int | None = None) -> None:
        super().__init__(script)
        self.asked: list[str] = []
        self._lives = lives

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        for completion in super().complete(self._note(requests)):
            if self._lives is not None:
                if self._lives == 0:
                    raise EngineError("died")
                self._lives -= 1
            yield completion

    def _note(self, requests: Iterable[Request]) -> Iterator[Request]:
        for request in requests:
            self.asked.append(request.id)
            yield request


def request(name: str, k: int = 2, text: str = "hello") -> Request:
    return Request(id=name, messages=(Message(role="user", content=text),), k=k, temperature=0.5)


REQUESTS = [request("a"), request("b", k=3), request("c", k=1)]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"a": ["one", "two"], "*": ["other \u2028 line"]}))
    return file


def run(path: Path, engine: ScriptedEngine, requests: list[Request] = REQUESTS) -> list[Completion]:
    return complete_to_file(lambda: engine, requests, path, stage="generate", what="answers")


def test_completions_come_in_the_order_of_requests_and_are_on_disk(tmp_path: Path, script: Path) -> None:
    rows = run(tmp_path / "out.jsonl", ScriptedEngine(script))
    assert [(row.request, row.index) for row in rows] == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2), ("c", 0)]
    assert [row.text for row in rows[:2]] == ["one", "two"]
    lines = (tmp_path / "out.jsonl").read_text().split("\n")[:-1]
    assert [json.loads(line)["key"] for line in lines[:2]] == [REQUESTS[0].key] * 2


def test_nothing_owed_opens_no_engine(tmp_path: Path, script: Path) -> None:
    first = run(tmp_path / "out.jsonl", ScriptedEngine(script))

    def never() -> ScriptedEngine:
        raise AssertionError("opened")

    again = complete_to_file(never, REQUESTS, tmp_path / "out.jsonl", stage="generate", what="answers")
    assert again == first


@pytest.mark.parametrize("lives", range(6))
def test_a_death_anywhere_owes_only_what_is_missing(tmp_path: Path, script: Path, lives: int) -> None:
    path = tmp_path / "out.jsonl"
    with pytest.raises(EngineError):
        run(path, Counting(script, lives))
    engine = Counting(script)
    rows = run(path, engine)
    whole = [name for name, end in (("a", 2), ("b", 5), ("c", 6)) if lives >= end]
    assert engine.asked == [name for name in "abc" if name not in whole]
    assert rows == run(tmp_path / "fresh.jsonl", ScriptedEngine(script))


def test_a_file_torn_at_any_byte_is_mended(tmp_path: Path, script: Path) -> None:
    path = tmp_path / "out.jsonl"
    rows = run(path, ScriptedEngine(script))
    content = path.read_bytes()
    for cut in range(0, len(content), 37):
        path.write_bytes(content[:cut])
        assert run(path, ScriptedEngine(script)) == rows
        assert sorted(path.read_bytes().splitlines()) == sorted(content.splitlines())


def test_a_changed_request_is_made_again_and_the_rest_is_kept(tmp_path: Path, script: Path) -> None:
    path = tmp_path / "out.jsonl"
    run(path, ScriptedEngine(script))
    engine = Counting(script)
    run(path, engine, [REQUESTS[0], request("b", k=3, text="another"), REQUESTS[2]])
    assert engine.asked == ["b"]


def test_progress_counts_requests_and_ends_at_the_total(tmp_path: Path, script: Path) -> None:
    events: list[Event] = []
    with listening(events.append):
        run(tmp_path / "out.jsonl", ScriptedEngine(script))
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[0].done, progress[-1].done, progress[-1].total) == (0, 3, 3)
    assert progress[-1].detail.endswith("tok/s")


def test_the_scripted_engine_says_which_answer_is_missing(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    with pytest.raises(EngineError, match="no answer for 'a'"):
        list(ScriptedEngine(tmp_path / "s.json").complete(REQUESTS))


def model_directory(tmp_path: Path, positions: int = 4096) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": positions}))
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kind": "vllm", "tensor_parallel": 2}, r"tensor parallelism needs GPUs; set engine\.tensor_parallel=1"),
        ({"kind": "transformers", "tensor_parallel": 2}, r"tensor parallelism needs"),
        ({"kind": "transformers", "max_model_len": 5000}, r"more than the 4096 positions"),
        ({"kind": "scripted"}, r"needs engine\.script"),
    ],
)
def test_what_cannot_work_here_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], sentence: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(EngineError, match=sentence) as caught:
        open_engine(EngineConfig.model_validate(settings), model_directory(tmp_path), tmp_path)
    assert "\n" not in str(caught.value)


def test_each_data_parallel_worker_gets_its_slice_of_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from selfimprove.engine.settings import plan_workers

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    config = EngineConfig(kind="transformers", data_parallel=3)
    plan = plan_workers(config, model_directory(tmp_path), seed=1)
    assert [environment["CUDA_VISIBLE_DEVICES"] for _, environment in plan] == ["4", "5", "6"]
    assert {spec.dtype for spec, _ in plan} == {"auto"}
    with pytest.raises(EngineError, match="= 4 GPUs, but 3 can be seen"):
        plan_workers(EngineConfig(kind="transformers", data_parallel=4), tmp_path, seed=1)


def test_importing_the_engine_loads_no_model_library() -> None:
    code = (
        "import sys, selfimprove.engine, selfimprove.models; "
        "print([m for m in ('torch', 'vllm', 'transformers', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
