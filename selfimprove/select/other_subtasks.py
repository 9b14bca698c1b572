"""Rows of the subtasks beside use: tool lists, requests and documentation (ToolACE-DEV trains make and use jointly)."""

from __future__ import annotations

from collections.abc import Sequence

from selfimprove.config import Config
from selfimprove.records import Call, Judged, Plan, Proposal, Row, Sample, StageRef, Tool, derive_seed
from selfimprove.store import jsonl
from selfimprove.store.layout import read_json
from selfimprove.subtasks import document, make, request
from selfimprove.tools.data import RunData


def bootstrap_rows(config: Config, data: RunData, labelled: Sequence[Sample]) -> list[Row]:
    """Rows made from labelled problems: query -> its tools, call -> its query, and descriptions -> definitions."""
    b, seed = config.bootstrap, config.run.seed
    order = sorted((s for s in labelled if s.answer and s.answer.calls), key=lambda s: derive_seed(seed, "other", s.id))
    lists = [make.row(s.query, _called(s), "seed", s.id) for s in order[: b.make]]
    single = [s for s in order if s.answer and len(s.answer.calls) == 1]
    requests = [request.row(_only_call(s), _called(s)[0], s.query, "seed", s.id) for s in reversed(single)][: b.request]
    tools = sorted((e.tool for e in data.pool.entries.values()), key=lambda t: derive_seed(seed, "document", t.name))
    return [*lists, *requests, *(document.row(t, "seed") for t in tools[: b.document])]


def fresh_rows(
    config: Config, data: RunData, generated: StageRef, judged: Sequence[Judged], samples: dict[str, Sample], count: int,
    seed: int,
) -> list[Row]:  # fmt: skip
    """Up to `count` rows, shared among lists, requests and documentation that survived verification."""
    plan = Plan.model_validate(read_json(generated.path / "plan.json"))
    proposals = jsonl.read(generated.path / "proposals.jsonl", Proposal, empty=True)
    survived = {j.sample: j for j in judged if j.verdict.status == "accepted"}
    lists, documents = _made_rows(proposals, survived)
    requests = _request_rows(plan, samples, survived, data)
    order = {"lists": lists, "requests": requests, "documents": documents}
    rows: list[Row] = []
    for depth in range(count):
        for kind in order:
            ranked = sorted(order[kind], key=lambda r: derive_seed(seed, r.id))
            rows.extend(ranked[depth : depth + 1])
    return rows[:count]


def _called(sample: Sample) -> list[Tool]:
    names = {c.name for c in sample.answer.calls} if sample.answer else set()
    return [t for t in sample.tools if t.name in names]


def _only_call(sample: Sample) -> Call:
    assert sample.answer is not None
    return sample.answer.calls[0]


def _made_rows(proposals: Sequence[Proposal], survived: dict[str, Judged]) -> tuple[list[Row], list[Row]]:
    """Lists (without the pool's distractors) and definitions of the tools that an accepted answer called."""
    lists: dict[str, Row] = {}
    documents: dict[str, Row] = {}
    for p in proposals:
        query = p.subject
        found = survived.get(f"make/{query}")
        if p.subtask != "make" or p.problem or not found or not found.answer:
            continue
        tools = make.parse(p.text)[0]
        called = [t for t in tools if t.name in {c.name for c in found.answer.calls}]
        if called:
            lists.setdefault(query, make.row(p.prompt, tools, "make", query))
            documents |= {t.name: document.row(t, "make") for t in called}
    return list(lists.values()), list(documents.values())


def _request_rows(plan: Plan, samples: dict[str, Sample], survived: dict[str, Judged], data: RunData) -> list[Row]:
    """Requests that the model itself could then answer at least once: the others may not say what they mean."""
    rows = []
    for drawn in plan.calls:
        name = f"{'cut' if drawn.left_out else 'request'}/{drawn.id}"
        if name in survived and survived[name].correct:
            tool = data.pool.entries[drawn.call.name].tool
            rows.append(request.row(drawn.call, tool, samples[name].query, "request", drawn.id))
    return rows
