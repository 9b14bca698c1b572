"""The stage: proposals, problems and attempts of one round, made by the champion, streamed to disk, resumable anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from selfimprove.config import Config
from selfimprove.engine import complete_to_file, open_engine
from selfimprove.generate.plan import make_plan
from selfimprove.generate.problems import build_problems
from selfimprove.generate.propose import proposal_requests, read_proposals
from selfimprove.records import Attempt, Completion, Request, Sample, StageRef, Tool, derive_seed
from selfimprove.store import jsonl
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from selfimprove.store.stage import Stage
from selfimprove.subtasks import use
from selfimprove.tools.data import RunData, load_data


def run(round_: Round, champion: Model) -> StageRef:
    """Writes plan.json, proposals.jsonl, problems.jsonl and attempts.jsonl. Raises EngineError when the worker dies."""
    config, data = round_.config, load_data(round_.config.data)
    inputs = {
        "champion": champion.digest, "data": data.digest("tools", "bootstrap", "curriculum", "oracle"),
        "seed": config.run.seed, "generate": config.generate.model_dump(), "rows": config.rows.model_dump(),
        "engine": config.engine.kind,
    }  # fmt: skip
    with round_.stage("generate", inputs) as stage:
        return stage.finished or _generate(round_, stage, champion, data)


def _generate(round_: Round, stage: Stage, champion: Model, data: RunData) -> StageRef:
    config = round_.config
    seed = derive_seed(config.run.seed, round_.number)
    plan = make_plan(round_, data, stage.path / "plan.json")
    folder = stage.path / "completions"
    # One engine for both steps: starting one costs as much as fifty answers.
    with open_engine(config.engine, champion.path, stage.path / "log") as engine:
        made = complete_to_file(
            lambda: nullcontext(engine), proposal_requests(config, plan, data, seed), folder / "proposals.jsonl",
            stage="generate", what="proposals",
        )  # fmt: skip
        proposals = read_proposals(made, plan, data)
        problems = build_problems(config, plan, proposals, data, seed)
        answers = complete_to_file(
            lambda: nullcontext(engine), answer_requests(config, problems, seed), folder / "answers.jsonl",
            stage="generate", what="answers",
        )  # fmt: skip
    attempts = read_attempts(answers, problems)
    jsonl.write(stage.path / "proposals.jsonl", proposals)
    jsonl.write(stage.path / "problems.jsonl", problems)
    jsonl.write(stage.path / "attempts.jsonl", sorted(attempts, key=lambda a: (a.sample, a.index)))
    lists = [p for p in proposals if p.subtask == "make"]
    requests = [p for p in proposals if p.subtask == "request"]
    return stage.close({
        "queries": len(plan.queries), "lists": len(lists), "lists_parsed": sum(not p.problem for p in lists),
        "requests": len(requests), "requests_parsed": sum(not p.problem for p in requests), "problems": len(problems),
        "attempts": len(attempts), "generated_tokens": sum(len(c.tokens) for c in (*made, *answers)),
    })  # fmt: skip


def answer_requests(config: Config, problems: Sequence[Sample], seed: int) -> list[Request]:
    """k sampled answers and one greedy for each problem."""
    g = config.generate
    found = []
    for p in problems:
        common: dict[str, Any] = {
            "messages": use.prompt(p), "tools": p.tools, "max_tokens": g.max_answer_tokens,
            "max_prompt_tokens": config.rows.max_tokens,
        }  # fmt: skip
        found.append(Request(
            id=f"sample/{p.id}", k=g.use_samples, temperature=g.use_temperature, top_k=g.use_top_k,
            seed=derive_seed(seed, "use", p.id), **common,
        ))  # fmt: skip
        found.append(Request(id=f"greedy/{p.id}", **common))
    return found


def read_attempts(completions: Iterable[Completion], problems: Sequence[Sample]) -> list[Attempt]:
    offered = {p.id: {tool.name: tool for tool in p.tools} for p in problems}
    return [read_attempt(c, offered[c.request.partition("/")[2]]) for c in completions]


def read_attempt(completion: Completion, tools: Mapping[str, Tool]) -> Attempt:
    """A completion as an attempt: parsed, or with the reason why it is no answer. `tools` are what was offered, by name."""
    how, _, sample = completion.request.partition("/")
    parsed = use.parse(completion.text, tools)
    problem = parsed.problem
    if completion.finish != "stop":
        problem = "truncated" if completion.finish == "length" else "prompt-too-long"
    return Attempt(
        sample=sample, index=-1 if how == "greedy" else completion.index, text=completion.text, problem=problem,
        answer=None if problem else parsed.answer, finish=completion.finish, logprob=completion.logprob,
        tokens=len(completion.tokens), prompt_tokens=completion.prompt_tokens,
    )  # fmt: skip
