"""`selfimprove reverify`: what other layers would have said of a run, without a model and without touching it."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove.config import Config
from selfimprove.errors import StoreError
from selfimprove.records import Answer, Attempt, Call, Sample, StageRef, Tool
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout, write_json
from selfimprove.store.round import freeze
from selfimprove.verify import run
from selfimprove.verify.reverify import render, reverify

TOOL = Tool(name="weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})


@pytest.fixture
def finished(tmp_path: Path) -> Layout:
    """A run whose round 1 has two problems without gold: one answered with what was said, one with what was not."""
    layout = Layout.of(tmp_path, "r")
    write_json(layout.card, {"name": "r"})
    round_ = freeze(layout, 1, Config())
    folder = round_.path / "generate"
    answers = [Answer(calls=(Call(name="weather", arguments={"city": c}),)) for c in ("Oslo", "Rome")]
    jsonl.write(folder / "problems.jsonl", [Sample(id=f"p{i}", query="In Oslo?", tools=(TOOL,), source="make") for i in (0, 1)])
    jsonl.write(
        folder / "attempts.jsonl",
        [Attempt(sample=f"p{i}", index=k, text="", answer=a) for i, a in enumerate(answers) for k in range(2)],
    )
    run(round_, StageRef(path=folder, digest="0" * 16, counts={}, seconds=0))
    return layout


def test_the_same_layers_give_the_same_verdicts(finished: Layout) -> None:
    (only,) = reverify(finished)
    assert only.before == only.after == {"accepted": 1, "unknown": 1} and not only.changes


def test_other_layers_say_what_would_have_changed_and_nothing_is_written(finished: Layout) -> None:
    before = {p: p.stat().st_mtime_ns for p in finished.root.rglob("*")}
    (only,) = reverify(finished, ("structure", "agreement"))
    assert [(c.sample, c.before, c.after) for c in only.changes] == [("p1", "unknown 2/2", "accepted 2/2")]
    assert "unknown 1 -> 0" in render([only])
    assert {p: p.stat().st_mtime_ns for p in finished.root.rglob("*")} == before


def test_a_run_without_verdicts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no run"):
        reverify(Layout.found(tmp_path, "none"))
    layout = Layout.of(tmp_path, "begun")
    write_json(layout.card, {"name": "begun"})
    with pytest.raises(StoreError, match="no finished verdicts"):
        reverify(layout)


def test_a_judge_that_was_never_asked_has_nothing_to_say_again(finished: Layout) -> None:
    with pytest.raises(StoreError, match="no judge was asked"):
        reverify(finished, ("structure", "grounding", "agreement", "judge"))
