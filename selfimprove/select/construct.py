"""Labelled problems made into others whose gold follows from theirs: abstention by removal, parallel calls by composition.

A removed problem stands beside the one that it was made from: the same query, with and without its tool, is what teaches
when not to call. Training on calls only makes a model call always (ACEBench's special cases).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from selfimprove.config import Config
from selfimprove.records import Answer, Sample, derive_seed
from selfimprove.tools.joints import join
from selfimprove.tools.pool import Pool


def constructed(config: Config, labelled: Sequence[Sample], pool: Pool, seed: int) -> list[Sample]:
    """`bootstrap.removed` and `bootstrap.composed` problems, or as many as the labelled ones allow."""
    single = [s for s in labelled if s.answer and len(s.answer.calls) == 1]
    order = sorted(single, key=lambda s: derive_seed(seed, "construct", s.id))
    removed = [_removed(s, config.rows.max_tools, pool, seed) for s in order[: config.bootstrap.removed]]
    rest = order[::-1]
    composed = [
        _composed(a, b, config.rows.max_tools, seed)
        for a, b in zip(rest[::2], rest[1::2], strict=False)
        if config.rows.max_tools > 1
    ]
    return [*removed, *composed[: config.bootstrap.composed]]


def _removed(sample: Sample, most: int, pool: Pool, seed: int) -> Sample:
    """Without the called tool and its siblings, which might do as well; tools of other domains fill its place."""
    rng = random.Random(derive_seed(seed, "removed", sample.id))
    called = sample.answer.calls[0].name if sample.answer else ""
    near = {called, *(t.name for t in pool.siblings(called))} if called in pool.entries else {t.name for t in sample.tools}
    kept = [t for t in sample.tools if t.name not in near]
    spare = [e.tool for n, e in pool.entries.items() if n not in near and n not in {t.name for t in kept}]
    count = max(1, min(most, len(sample.tools))) - len(kept)
    tools = kept + rng.sample(spare, max(0, min(len(spare), count)))
    rng.shuffle(tools)
    return Sample(
        id=f"removed/{sample.id}", query=sample.query, tools=tuple(tools), answer=Answer(abstain="no_tool"), kind="no_tool",
        source="remove",
    )  # fmt: skip


def _composed(a: Sample, b: Sample, most: int, seed: int) -> Sample:
    assert a.answer and b.answer
    rng = random.Random(derive_seed(seed, "composed", a.id, b.id))
    calls = (*a.answer.calls, *b.answer.calls)
    names = {c.name for c in calls}
    by_name = {t.name: t for t in (*a.tools, *b.tools)}
    tools = [by_name[n] for n in sorted(names)]
    # One tool that is not needed, where there is room: a model that calls every tool shown would look right otherwise.
    spare = [t for n, t in by_name.items() if n not in names]
    tools += rng.sample(spare, min(len(spare), max(0, min(most, 3) - len(tools)), 1))
    rng.shuffle(tools)
    return Sample(
        id=f"composed/{a.id}+{b.id}", query=join(a.query, b.query, rng), tools=tuple(tools), answer=Answer(calls=calls),
        kind="parallel", source="compose",
    )  # fmt: skip
