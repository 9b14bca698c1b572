"""Selection: quotas add up, shares hold, and nothing is trained that must not be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config import Config, load
from selfimprove.records import Answer, Call, Judged, Plan, Proposal, Row, Sample, StageRef, Verdict
from selfimprove.select import run, run_bootstrap
from selfimprove.select.bands import band
from selfimprove.select.mixture import pick, quotas
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout, read_json, write_json
from selfimprove.store.round import Round
from selfimprove.subtasks import make
from selfimprove.tools.data import load_data

CONFIG = load([], ["select.rows=50"]).value
DATA = load_data(CONFIG.data)


def test_bands_follow_the_right_answers_of_k() -> None:
    assert [band(c, 4, near) for c, near in ((4, False), (1, False), (3, True), (0, True), (0, False))] == [
        "mastered", "learnable", "learnable", "frontier", "out_of_reach",
    ]  # fmt: skip
    assert band(0, 0, False) == "out_of_reach"


def test_quotas_add_up_and_are_near_their_shares() -> None:
    assert quotas({"a": 0.5, "b": 0.3, "c": 0.2}, 10) == {"a": 5, "b": 3, "c": 2}
    assert quotas({"a": 1, "b": 1, "c": 1}, 10) == {"a": 4, "b": 3, "c": 3}
    assert quotas({"a": 0.0}, 10) == {"a": 0} and quotas({"a": 1}, 0) == {"a": 0}


def test_what_one_kind_lacks_the_others_give() -> None:
    rows = {"a": [1, 2], "b": list(range(10, 30))}
    assert len(pick(rows, {"a": 0.5, "b": 0.5}, 12)) == 12
    assert len(pick(rows, {"a": 1.0}, 12)) == 12
    assert len(pick(rows, {"a": 0.5, "b": 0.5}, 99)) == 22
    assert pick(rows, {"a": 0.5, "b": 0.5}, 0) == [] == pick({}, {}, 5)


def bootstrap(folder: Path, config: Config = CONFIG) -> tuple[StageRef, list[Row]]:
    ref = run_bootstrap(Round(Layout.of(folder, "run"), 0, config))
    return ref, jsonl.read(ref.path / "rows.jsonl", Row)


def test_round_0_trains_the_shares_of_the_labelled_pool(tmp_path: Path) -> None:
    _, rows = bootstrap(tmp_path)
    kinds = Counter(r.kind for r in rows if r.subtask in ("use", "abstain"))
    composed = 16
    assert kinds == {"single": 48, "choice": 24, "parallel": 18 + composed, "no_tool": 18, "missing": 12}
    assert Counter(r.subtask for r in rows if not r.kind) == {"make": 8, "request": 24, "document": 8}
    assert len({r.id for r in rows}) == len(rows)


def test_round_0_trains_bootstrap_problems_only(tmp_path: Path) -> None:
    _, rows = bootstrap(tmp_path)
    ids = {s.id for s in DATA.bootstrap}
    used = [r.id.removeprefix("use/").removeprefix("composed/").split("+") for r in rows if r.id.startswith("use/")]
    assert {name for names in used for name in names} <= ids


def test_the_same_configuration_selects_the_same_rows(tmp_path: Path) -> None:
    assert bootstrap(tmp_path / "a")[0].digest == bootstrap(tmp_path / "b")[0].digest
    other = load([], ["select.rows=50", "run.seed=8"]).value
    assert bootstrap(tmp_path / "c", other)[0].digest != bootstrap(tmp_path / "a")[0].digest


def judged(sample: Sample, correct: int, k: int = 4, **fields: Any) -> Judged:
    fields = {"verdict": Verdict(subject=sample.id, status="accepted"), "answer": sample.answer, "kind": sample.kind} | fields
    return Judged(sample=sample.id, source=sample.source, correct=correct, k=k, **fields)


class World:
    """A round whose generate and verify stages lie on disk as given."""

    def __init__(self, folder: Path) -> None:
        self.round = Round(Layout.of(folder, "run"), 1, CONFIG)
        bootstrap(folder)
        self.samples: list[Sample] = []
        self.judged: list[Judged] = []
        self.proposals: list[Proposal] = []

    def add(self, sample: Sample, correct: int, **fields: Any) -> None:
        self.samples.append(sample)
        self.judged.append(judged(sample, correct, **fields))

    def select(self) -> list[Row]:
        generate, verify = self.round.path / "generate", self.round.path / "verify"
        write_json(generate / "plan.json", Plan(queries=(), calls=(), curriculum=(), oracle=()).model_dump(mode="json"))
        jsonl.write(generate / "problems.jsonl", self.samples)
        jsonl.write(generate / "proposals.jsonl", self.proposals)
        jsonl.write(verify / "judged.jsonl", self.judged)
        ref = run(self.round, StageRef(path=generate, digest="a"), StageRef(path=verify, digest="b"))
        return jsonl.read(ref.path / "rows.jsonl", Row)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def of(rows: list[Row], *origins: str) -> list[Row]:
    return [r for r in rows if r.origin.split("-")[0] in origins]


def test_oracle_problems_are_never_trained(world: World) -> None:
    for sample in DATA.oracle[:40]:
        world.add(sample.model_copy(update={"source": "oracle"}), 2, right=True)
    rows = world.select()
    assert not {r.id.removeprefix("use/") for r in rows} & {s.id for s in DATA.oracle}
    assert {r.origin for r in rows} == {"replay"}


def test_curriculum_problems_are_trained_only_after_they_were_scored(world: World) -> None:
    for sample in DATA.curriculum[:10]:
        world.add(sample, 2)
    trained = {r.id.removeprefix("use/") for r in world.select()}
    assert trained & {s.id for s in DATA.curriculum} == {s.id for s in DATA.curriculum[:10]}


def test_only_what_is_accepted_is_trained(world: World) -> None:
    for number, status in enumerate(("rejected", "unknown", "accepted")):
        sample = DATA.curriculum[number]
        world.add(sample, 2, verdict=Verdict.model_validate({"subject": sample.id, "status": status}))
    assert [r.id for r in of(world.select(), "learnable")] == [f"use/{DATA.curriculum[2].id}"]


def test_out_of_reach_rests_and_frontier_and_mastered_keep_their_shares(world: World) -> None:
    for number, sample in enumerate(DATA.curriculum[:200]):
        correct, near = ((0, False), (0, True), (4, False), (0, False))[number % 4]
        world.add(sample, correct, near_miss=near)
    rows = world.select()
    out = {s.id for n, s in enumerate(DATA.curriculum[:200]) if n % 4 in (0, 3)}
    assert not out & {r.id.removeprefix("use/") for r in rows}
    assert len(of(rows, "frontier")) == round(50 * CONFIG.select.frontier)
    assert len(of(rows, "mastered")) == round(50 * CONFIG.select.replay_mastered)
    assert len(of(rows, "replay")) == round(50 * CONFIG.select.replay_seeds)
    assert read_json(world.round.path / "select" / "bands.json") == {
        "mastered": 50, "learnable": 0, "frontier": 50, "out_of_reach": 100,
    }  # fmt: skip


def test_shares_of_kinds_hold_whatever_the_verdicts_prefer(world: World) -> None:
    for sample in DATA.curriculum:
        world.add(sample, 2)
    rows = of(world.select(), "learnable")
    shares = {kind: n / len(rows) for kind, n in Counter(r.kind for r in rows).items()}
    assert len(rows) == 50 - 15
    assert shares["no_tool"] + shares["missing"] == pytest.approx(CONFIG.select.abstain, abs=0.04)
    assert shares["parallel"] == pytest.approx(0.8 * 0.15 / 0.75, abs=0.04)


def test_a_round_is_never_larger_than_configured(world: World) -> None:
    for sample in DATA.curriculum:
        world.add(sample, 3)
    assert len(world.select()) == CONFIG.select.rows


def test_an_accepted_tool_list_is_trained_without_the_pool_s_distractors(world: World) -> None:
    pool = list(DATA.pool.entries.values())
    ours, extra = pool[0].tool, pool[30].tool
    answer = Answer(calls=(Call(name=ours.name),))
    sample = Sample(id="make/q1", query="Do it.", tools=(ours, extra), answer=None, source="make")
    world.add(sample, 2, answer=answer)
    world.proposals = [
        Proposal(id="make/q1/0", subtask="make", prompt="Do it.", text="{", problem="bad-json"),
        Proposal(id="make/q1/1", subtask="make", prompt="Do it.", text=make.definition(ours)),
    ]
    rows = of(world.select(), "make")
    assert {r.subtask for r in rows} == {"make", "document"}
    assert all(extra.name not in r.target for r in rows)


def test_a_round_that_starts_from_base_trains_the_rows_of_all_rounds_before_it_too(world: World) -> None:
    for sample in DATA.curriculum[:10]:
        world.add(sample, 2)
    earlier = {row.id for row in jsonl.read(world.round.layout.round(0) / "select" / "rows.jsonl", Row)}
    from_base = CONFIG.model_copy(update={"train": CONFIG.train.model_copy(update={"start": "base"})})
    fresh = {row.id for row in world.select() if row.origin != "replay"}
    world.round = Round(world.round.layout, 2, from_base)
    rows = [row.id for row in world.select()]
    assert len(rows) == len(set(rows)), "a row is trained twice"
    assert fresh and earlier | fresh <= set(rows)
