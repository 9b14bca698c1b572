"""The reference engine end to end: a real worker child, a real (tiny, random) model."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import open_engine
from selfimprove.engine.process import WorkerEngine, group_members
from selfimprove.errors import EngineError
from selfimprove.events import Event, Note, listening
from selfimprove.models import check_model
from selfimprove.records import Completion, Message, Request, Tool

pytestmark = pytest.mark.real


def request(name: str, **settings: object) -> Request:
    content = {"role": "user", "content": f"The weather in the city of {name}, please."}
    return Request.model_validate({"id": name, "messages": [content], "max_tokens": 12, "seed": 5, **settings})


def complete(model: Path, logs: Path, requests: list[Request], **settings: object) -> dict[tuple[str, int], Completion]:
    config = EngineConfig.model_validate({"kind": "transformers", **settings})
    with open_engine(config, model, logs) as engine:
        return {(row.request, row.index): row for row in engine.complete(requests)}


def test_samples_depend_on_their_seed_alone(tiny_model: Path, tmp_path: Path) -> None:
    check_model(tiny_model)
    sampled = {"temperature": 0.9, "top_k": 50, "top_p": 0.95}
    alone = complete(tiny_model, tmp_path, [request("Oslo", k=3, **sampled)])
    others = [request(f"a much longer name {i} " * i, temperature=1.3) for i in range(1, 6)]
    mixed = complete(tiny_model, tmp_path, [*others, request("Oslo", k=3, **sampled), request("Rome")], data_parallel=2)
    for index in range(3):
        assert mixed["Oslo", index].tokens == alone["Oslo", index].tokens
        assert mixed["Oslo", index].logprob == pytest.approx(alone["Oslo", index].logprob, abs=1e-4)
    assert len({row.tokens for (name, _), row in mixed.items() if name == "Oslo"}) == 3


def test_greedy_log_probabilities_and_stop_agree_with_a_plain_forward(tiny_model: Path, tmp_path: Path) -> None:
    rows = complete(tiny_model, tmp_path, [request("Oslo", k=2), request("long", max_tokens=4)])
    assert rows["Oslo", 0].tokens == rows["Oslo", 1].tokens
    assert rows["long", 0].finish == "length" and len(rows["long", 0].tokens) == 4
    code = (
        "import json, sys, torch; from pathlib import Path; from selfimprove.chat import render;"
        "from selfimprove.records import Message; from transformers import AutoModelForCausalLM;"
        "m = Path(sys.argv[1]); given = json.loads(sys.argv[2]); t = render.load_tokenizer(m);"
        "p = render.prompt_ids(t, (Message(role='user', content=given['text']),), ());"
        "l = AutoModelForCausalLM.from_pretrained(m)(torch.tensor([p + given['tokens']])).logits[0, len(p)-1:-1];"
        "l = l.log_softmax(-1); a = given['tokens'];"
        "print(json.dumps([l.argmax(-1).tolist() == a, sum(l[i, k].item() for i, k in enumerate(a)) / len(a), len(p)]))"
    )
    asked = {"text": request("Oslo").messages[0].content, "tokens": list(rows["Oslo", 0].tokens)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_model), json.dumps(asked)], capture_output=True, text=True, timeout=120
    )
    greedy, mean, prompt_tokens = json.loads(done.stdout)
    assert greedy and math.isclose(mean, rows["Oslo", 0].logprob or 0, abs_tol=1e-4)
    assert prompt_tokens == rows["Oslo", 0].prompt_tokens


def test_bad_requests_are_answered_and_the_worker_lives(tiny_model: Path, tmp_path: Path) -> None:
    tool = Tool(name="odd", parameters={"type": "object", "properties": ["no object, so the template raises"]})
    requests = [
        request("long" * 900, k=2, id="long"),
        request("short", max_prompt_tokens=5),
        request("odd", tools=[tool.model_dump()]),
        request("fine"),
    ]
    events: list[Event] = []
    with listening(events.append):
        rows = complete(tiny_model, tmp_path, requests)
    assert [rows["long", index].finish for index in (0, 1)] == ["too_long", "too_long"]
    assert rows["short", 0].finish == "too_long" and rows["short", 0].prompt_tokens > 5
    assert rows["fine", 0].tokens
    assert rows["odd", 0].finish == "too_long" and rows["odd", 0].prompt_tokens == 0
    assert [event.text[:11] for event in events if isinstance(event, Note)] == ["request odd"]


def test_a_worker_that_cannot_start_says_why(tiny_model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny_model.iterdir():
        (broken / file.name).write_bytes(b"" if file.suffix == ".safetensors" else file.read_bytes())
    with pytest.raises(EngineError, match="ended while it started") as caught:
        complete(broken, tmp_path / "logs", [Request(id="a", messages=(Message(role="user", content="hi"),))])
    assert "engine-0.log" in str(caught.value)


def test_a_slow_start_is_given_up(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is not ready after 1 s"):
        complete(tiny_model, tmp_path, [request("Oslo")], start_seconds=1)


def test_a_worker_that_hangs_is_given_up_and_leaves_nothing_running(tiny_model: Path, tmp_path: Path) -> None:
    config = EngineConfig(kind="transformers", max_sequences=1, stall_seconds=2)
    engine = open_engine(config, tiny_model, tmp_path)
    assert isinstance(engine, WorkerEngine)
    answers = engine.complete([request(f"city {i}") for i in range(8)])
    next(answers)
    pid = engine._workers[0].child.process.pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(EngineError, match="has given no answer for 2 s"):
        list(answers)
    assert not group_members(pid)
