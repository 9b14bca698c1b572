"""What a round works on: the same plan however often it is killed, queries used once, and gold that is true."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from selfimprove.chat import parse
from selfimprove.config import Config, load
from selfimprove.config.model import Data
from selfimprove.errors import DataError
from selfimprove.generate.plan import make_plan, unused_queries
from selfimprove.generate.problems import build_problems
from selfimprove.generate.propose import proposal_requests, read_proposals
from selfimprove.generate.stage import answer_requests, read_attempt
from selfimprove.records import Completion, Plan, Proposal, Sample
from selfimprove.store.layout import Layout
from selfimprove.store.round import Round
from selfimprove.subtasks import make
from selfimprove.tools.data import RunData, load_data

CONFIG = load([], ["generate.queries=20"]).value
DATA = load_data(CONFIG.data)


def plan_of(folder: Path, number: int = 1, config: Config = CONFIG, data: RunData = DATA) -> Plan:
    round_ = Round(Layout.of(folder, "run"), number, config)
    return make_plan(round_, data, round_.path / "generate" / "plan.json")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(tmp_path_factory.mktemp("runs"))


def written(plan: Plan, config: Config, data: RunData = DATA) -> list[Proposal]:
    """Proposals as a model would make them that says every value, and offers one tool for every query."""
    tool = make.definition(next(iter(data.pool.entries.values())).tool)
    values = {f"request/{d.id}": ", ".join(str(v) for v in d.call.arguments.values()) for d in plan.calls}
    spoken = {name: f"Please do this with {said} for me" for name, said in values.items()}
    made = [
        Completion(request=r.id, index=i, text=spoken.get(r.id, tool), finish="stop", prompt_tokens=1)
        for r in proposal_requests(config, plan, data, 1)
        for i in range(r.k)
    ]
    return read_proposals(made, plan, data)


def test_a_plan_is_the_same_however_often_it_is_made(plan: Plan, tmp_path: Path) -> None:
    assert plan_of(tmp_path) == plan == plan_of(tmp_path)
    g = CONFIG.generate
    assert (len(plan.queries), len(plan.curriculum), len(plan.oracle)) == (g.queries, g.curriculum, g.oracle)


def test_a_query_is_used_in_one_round_only(tmp_path: Path) -> None:
    first, second = plan_of(tmp_path, 1), plan_of(tmp_path, 2)
    assert not set(first.queries) & set(second.queries)
    assert not set(first.curriculum) & set(second.curriculum)
    third = Round(Layout.of(tmp_path, "run"), 3, CONFIG)
    assert unused_queries(third, DATA) == len(DATA.queries) - 40


def test_every_drawn_call_runs_and_fits_its_tool(plan: Plan) -> None:
    assert len(plan.calls) == CONFIG.generate.drawn_calls
    for drawn in plan.calls:
        tool = DATA.pool.entries[drawn.call.name].tool
        given = drawn.call.arguments | (drawn.left_out.arguments if drawn.left_out else {})
        assert Draft202012Validator(tool.parameters).is_valid(given)
        assert not drawn.left_out or set(drawn.left_out.arguments) <= set(tool.required)
    assert any(drawn.left_out for drawn in plan.calls)


def test_constructed_problems_offer_what_their_gold_calls(plan: Plan) -> None:
    samples = build_problems(CONFIG, plan, written(plan, CONFIG), DATA, 1)
    assert len({s.id for s in samples}) == len(samples)
    sources = Counter(s.source for s in samples)
    assert all(sources[source] for source in ("request", "compose", "remove", "cut", "make", "seed", "oracle"))
    for s in samples:
        offered = {t.name for t in s.tools}
        assert len(s.tools) <= CONFIG.rows.max_tools or s.source in ("seed", "oracle")
        if s.source in ("request", "compose"):
            assert s.answer is not None and {c.name for c in s.answer.calls} <= offered
        if s.source == "make":
            assert s.answer is None
        if s.source == "cut":
            assert s.answer is not None and s.answer.missing and s.kind == "missing"


def test_a_removed_tool_is_not_offered(plan: Plan) -> None:
    names = {f"remove/{d.id}": d.call.name for d in plan.calls}
    removed = [s for s in build_problems(CONFIG, plan, written(plan, CONFIG), DATA, 1) if s.source == "remove"]
    assert removed and all(names[s.id] not in {t.name for t in s.tools} for s in removed)


def test_with_one_tool_at_most_no_gold_calls_a_tool_that_is_not_offered(plan: Plan) -> None:
    config = load([], ["generate.queries=20", "rows.max_tools=1"]).value
    for s in build_problems(config, plan, written(plan, config), DATA, 1):
        if s.source == "compose":
            assert s.answer is not None and {c.name for c in s.answer.calls} <= {t.name for t in s.tools}


def test_ids_of_a_user_may_hold_slashes(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"id": "support/2026/1", "query": "Where is my parcel?"}\n')
    config = Config(data=Data(queries=tmp_path / "q.jsonl"))
    data = load_data(config.data)
    plan = plan_of(tmp_path, 1, config, data)
    samples = build_problems(config, plan, written(plan, config, data), data, 1)
    assert [s.query for s in samples if s.source == "make"] == ["Where is my parcel?"]


def test_an_id_in_two_parts_is_refused_before_an_oracle_problem_is_trained(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "1", "query": "a b c"}\n')
    (tmp_path / "o.jsonl").write_text('{"id": "1", "query": "d e f"}\n')
    with pytest.raises(DataError, match="id 1 stands in the curriculum part too"):
        load_data(Data(curriculum=tmp_path / "c.jsonl", oracle=tmp_path / "o.jsonl"))


def test_each_problem_is_asked_k_times_and_once_greedily() -> None:
    asked = answer_requests(CONFIG, [Sample(id="a/b", query="q")], 1)
    assert [(r.id, r.k) for r in asked] == [("sample/a/b", CONFIG.generate.use_samples), ("greedy/a/b", 1)]
    assert [r.temperature > 0 for r in asked] == [True, False]


@pytest.mark.parametrize(
    ("finish", "text", "problem"),
    [("stop", "{", "bad-json"), ("length", "No tool", "truncated"), ("too_long", "", "prompt-too-long"), ("stop", "Hi.", None)],
)
def test_an_attempt_says_why_it_is_no_answer(finish: str, text: str, problem: str | None) -> None:
    row = {"request": "sample/a/b", "index": 2, "text": text, "finish": finish, "prompt_tokens": 5}
    attempt = read_attempt(Completion.model_validate(row), {})
    assert (attempt.sample, attempt.index, attempt.problem) == ("a/b", 2, problem)
    assert attempt.answer == (parse(text).answer if problem is None else None)
    greedy = read_attempt(Completion.model_validate(row | {"request": "greedy/a/b", "index": 0}), {})
    assert (greedy.sample, greedy.index) == ("a/b", -1)


def test_proposals_say_why_they_cannot_be_used(plan: Plan) -> None:
    made = [
        Completion.model_validate(
            {"request": f"make/{plan.queries[0]}", "index": i, "text": t, "finish": f, "prompt_tokens": 1}
        )
        for i, (t, f) in enumerate([("{", "stop"), ("", "length"), ("", "too_long")])
    ]
    assert [p.problem for p in read_proposals(made, plan, DATA)] == ["bad-json", "truncated", "prompt-too-long"]
    assert json.dumps([p.model_dump() for p in read_proposals(made, plan, DATA)])
