"""Proposals: tool lists for unlabelled queries, requests for drawn calls. Text from the model, with the reason when unusable."""

from __future__ import annotations

from collections.abc import Sequence

from selfimprove.config import Config
from selfimprove.records import Completion, Plan, Proposal, Request, derive_seed
from selfimprove.subtasks import make, request
from selfimprove.tools.data import RunData


def proposal_requests(config: Config, plan: Plan, data: RunData, seed: int) -> list[Request]:
    g = config.generate
    texts = {q.id: q.query for q in data.queries}
    lists = [
        Request(
            id=f"make/{q}", messages=make.prompt(texts[q]), k=g.make_samples, temperature=g.make_temperature, top_p=g.make_top_p,
            max_tokens=g.max_list_tokens, max_prompt_tokens=config.rows.max_tokens, seed=derive_seed(seed, "make", q),
        )
        for q in plan.queries
    ]  # fmt: skip
    requests = [
        Request(
            id=f"request/{d.id}", messages=request.prompt(d.call, data.pool.entries[d.call.name].tool), k=g.request_samples,
            temperature=g.request_temperature, top_p=g.make_top_p, max_tokens=g.max_answer_tokens,
            max_prompt_tokens=config.rows.max_tokens, seed=derive_seed(seed, "request", d.id),
        )
        for d in plan.calls
    ]  # fmt: skip
    return lists + requests


def read_proposals(completions: Sequence[Completion], plan: Plan, data: RunData) -> list[Proposal]:
    """Every completion as a proposal, in the order of the plan."""
    drawn = {d.id: d for d in plan.calls}
    texts = {q.id: q.query for q in data.queries}
    found = []
    for c in completions:
        subtask, id_ = c.request.split("/", 1)
        if subtask == "make":
            prompt, problem = texts[id_], make.parse(c.text)[1]
        else:
            d = drawn[id_]
            tool = data.pool.entries[d.call.name].tool
            prompt, problem = request.prompt(d.call, tool)[-1].content, request.problem(c.text, d.call, tool, d.left_out)
        if c.finish != "stop":
            problem = "truncated" if c.finish == "length" else "prompt-too-long"
        id_ = f"{c.request}/{c.index}"
        found.append(Proposal(id=id_, subtask=subtask, prompt=prompt, text=c.text, problem=problem, logprob=c.logprob))
    return found
