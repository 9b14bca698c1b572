"""Problems out of usable proposals: made tool lists without gold, and constructed ones whose gold is known.

single/choice   a request written for a drawn call; the call is gold
parallel        two requests composed; both calls are gold
no_tool         a request whose tool is not offered; abstaining is gold
missing         a request written without a required value; naming it is gold
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from selfimprove.config import Config
from selfimprove.records import Answer, Drawn, Plan, Proposal, Sample, Tool, derive_seed
from selfimprove.records.sample import Kind
from selfimprove.subtasks import make
from selfimprove.tools.data import RunData
from selfimprove.tools.joints import join


def build_problems(config: Config, plan: Plan, proposals: Sequence[Proposal], data: RunData, seed: int) -> list[Sample]:
    """All problems of a round, in a stable order."""
    constructed = _constructed(config, plan, proposals, data, seed)
    labelled = {s.id: s for s in (*data.curriculum, *data.oracle)}
    curriculum = [labelled[i] for i in plan.curriculum]
    oracle = [labelled[i].model_copy(update={"source": "oracle"}) for i in plan.oracle]
    return [*_made(config, plan, proposals, data, seed), *constructed, *curriculum, *oracle]


def _made(config: Config, plan: Plan, proposals: Sequence[Proposal], data: RunData, seed: int) -> list[Sample]:
    """A query with the tools of its usable lists, merged by name, and distractors from the pool."""
    lists: dict[str, dict[str, Tool]] = {}
    for p in proposals:
        if p.subtask == "make" and not p.problem:
            merged = lists.setdefault(p.subject, {})
            for tool in make.parse(p.text)[0]:
                merged.setdefault(tool.name.casefold(), tool)
    texts = {q.id: q.query for q in data.queries}
    found = []
    for query, merged in lists.items():
        rng = random.Random(derive_seed(seed, "made", query))
        tools = list(merged.values())[: max(1, config.rows.max_tools - 1)]
        spare = [e.tool for e in data.pool.entries.values() if e.tool.name.casefold() not in merged]
        tools += rng.sample(spare, min(len(spare), config.rows.max_tools - len(tools)))
        rng.shuffle(tools)
        found.append(Sample(id=f"make/{query}", query=texts[query], tools=tuple(tools), source="make"))
    return found


def _constructed(
    config: Config, plan: Plan, proposals: Sequence[Proposal], data: RunData, seed: int
) -> list[Sample]:
    written = best_requests(proposals)
    usable = [(d, written[d.id]) for d in plan.calls if d.id in written]
    whole = [(d, text) for d, text in usable if not d.left_out]
    samples = [_missing(d, text, config, data, seed) for d, text in usable if d.left_out]
    samples += [_single(d, text, config, data, seed) for d, text in whole]
    # Composition and removal use the same requests again: a request costs tokens, a construction none.
    order = sorted(whole, key=lambda pair: derive_seed(seed, "compose", pair[0].id))
    pairs = round(len(samples) * config.generate.parallel_share)
    samples += [
        _parallel(a, b, config, data, seed)
        for a, b in zip(order[::2], order[1::2], strict=False)
        if a[0].call != b[0].call and len({a[0].call.name, b[0].call.name}) <= config.rows.max_tools
    ][:pairs]
    removed = round(len(samples) * config.generate.abstain_share / 2)
    samples += [_no_tool(d, text, config, data, seed) for d, text in reversed(order)][:removed]
    return samples


def best_requests(proposals: Sequence[Proposal]) -> dict[str, str]:
    """For each drawn call the usable request that the model finds most likely: the wild ones are rarely what users say."""
    found: dict[str, Proposal] = {}
    for p in proposals:
        best = found.get(p.subject)
        if p.subtask == "request" and not p.problem and (best is None or _likelihood(p) > _likelihood(best)):
            found[p.subject] = p
    return {subject: p.text.strip().strip('"') for subject, p in found.items()}


def _likelihood(proposal: Proposal) -> float:
    return -99.0 if proposal.logprob is None else proposal.logprob


def _single(drawn: Drawn, text: str, config: Config, data: RunData, seed: int) -> Sample:
    rng = random.Random(derive_seed(seed, "single", drawn.id))
    siblings = data.pool.siblings(drawn.call.name)
    count = rng.randint(0, config.rows.max_tools - 1)
    near = rng.sample(siblings, min(len(siblings), count if rng.random() < 0.5 else 0))
    tools = _offered(drawn.call.name, near, count, rng, data)
    kind: Kind = "choice" if near else "single"
    answer = Answer(calls=(drawn.call,))
    return Sample(id=f"request/{drawn.id}", query=text, tools=tools, answer=answer, kind=kind, source="request")


def _missing(drawn: Drawn, text: str, config: Config, data: RunData, seed: int) -> Sample:
    rng = random.Random(derive_seed(seed, "missing", drawn.id))
    assert drawn.left_out is not None
    tools = _offered(drawn.call.name, [], rng.randint(0, config.rows.max_tools - 1), rng, data)
    answer = Answer(abstain="missing", missing=tuple(drawn.left_out.arguments))
    return Sample(id=f"cut/{drawn.id}", query=text, tools=tools, answer=answer, kind="missing", source="cut")


def _no_tool(drawn: Drawn, text: str, config: Config, data: RunData, seed: int) -> Sample:
    rng = random.Random(derive_seed(seed, "no_tool", drawn.id))
    others = data.pool.others(drawn.call.name)
    tools = tuple(rng.sample(others, min(len(others), rng.randint(1, config.rows.max_tools))))
    answer = Answer(abstain="no_tool")
    return Sample(id=f"remove/{drawn.id}", query=text, tools=tools, answer=answer, kind="no_tool", source="remove")


def _parallel(
    first: tuple[Drawn, str], second: tuple[Drawn, str], config: Config, data: RunData, seed: int
) -> Sample:
    (a, text_a), (b, text_b) = first, second
    rng = random.Random(derive_seed(seed, "parallel", a.id, b.id))
    names = dict.fromkeys((a.call.name, b.call.name))
    tools = [data.pool.entries[n].tool for n in names]
    rng.shuffle(tools)
    query = join(text_a, text_b, rng)
    answer = Answer(calls=(a.call, b.call))
    return Sample(
        id=f"compose/{a.id}+{b.id}", query=query, tools=tuple(tools[: config.rows.max_tools]), answer=answer, kind="parallel",
        source="compose",
    )  # fmt: skip


def _offered(name: str, near: Sequence[Tool], count: int, rng: random.Random, data: RunData) -> tuple[Tool, ...]:
    """The tool, its near siblings and unrelated tools, shuffled."""
    others = data.pool.others(name)
    far = rng.sample(others, min(len(others), max(0, count - len(near))))
    tools = [data.pool.entries[name].tool, *near, *far]
    rng.shuffle(tools)
    return tuple(tools)
