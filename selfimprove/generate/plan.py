"""What a round works on, drawn before any token is made: queries, calls, curriculum and oracle problems.

Everything is drawn by content and seed, so the plan is the same however often a stage is killed. The plans of a run's rounds
are its usage table: a query stands in one plan only.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from selfimprove.records import Call, Drawn, Plan, Sample, derive_seed
from selfimprove.sandbox import run_calls
from selfimprove.store.layout import read_json, write_json
from selfimprove.store.round import Round
from selfimprove.tools.data import Query, RunData
from selfimprove.tools.draw import draw_call, known_values

T = TypeVar("T", Query, Sample)


def make_plan(round_: Round, data: RunData, path: Path) -> Plan:
    """The round's plan, read back when it was made before. Raises StoreError for a damaged one."""
    stored = read_json(path)
    if stored:
        return Plan.model_validate(stored)
    g, seed = round_.config.generate, (round_.config.run.seed, round_.number)
    earlier = plans(round_)
    used = {q for p in earlier for q in p.queries}
    plan = Plan(
        queries=_draw([q for q in data.queries if q.id not in used], g.queries, Counter(), seed),
        calls=_draw_calls(round_, data),
        curriculum=_draw(data.curriculum, g.curriculum, Counter(c for p in earlier for c in p.curriculum), seed),
        oracle=_draw(data.oracle, g.oracle, Counter(o for p in earlier for o in p.oracle), seed),
    )
    write_json(path, plan.model_dump(mode="json"))
    return plan


def plans(round_: Round) -> list[Plan]:
    """Plans of the run's other rounds: which queries were used where."""
    found = []
    for number in round_.layout.rounds():
        stored = read_json(round_.layout.round(number) / "generate" / "plan.json")
        if stored and number != round_.number:
            found.append(Plan.model_validate(stored))
    return found


def unused_queries(round_: Round, data: RunData) -> int:
    used = {q for p in plans(round_) for q in p.queries}
    return sum(1 for q in data.queries if q.id not in used)


def _draw(rows: Sequence[T], count: int, uses: Counter[str], seed: tuple[int, int]) -> tuple[str, ...]:
    """Those used least often so far, in the order that the seed gives: labelled problems are scored again in later rounds."""
    ranked = sorted(rows, key=lambda r: (uses[r.id], derive_seed(*seed, r.id)))
    return tuple(r.id for r in ranked[:count])


def _draw_calls(round_: Round, data: RunData) -> tuple[Drawn, ...]:
    """Calls over all tools of the pool in turn, executed where a tool can run; one that fails is drawn again."""
    g, seed = round_.config.generate, round_.config.run.seed
    values = known_values(data.bootstrap)
    names = sorted(data.pool.entries, key=lambda n: derive_seed(seed, round_.number, "order", n))
    # Twice as many as wanted: some fail when they are run, and one batch in the sandbox is quicker than many.
    drawn = []
    for i in range(2 * g.drawn_calls if names else 0):
        tool = data.pool.entries[names[i % len(names)]].tool
        call = draw_call(tool, random.Random(derive_seed(seed, round_.number, tool.name, i)), values)
        if call:
            drawn.append(call)
    kept = _executed(drawn, data)[: g.drawn_calls]
    cut_every = max(2, round(2 / g.abstain_share)) if g.abstain_share else 0
    return tuple(
        _cut(f"{round_.number:03d}-{i:04d}", call, data, bool(cut_every) and i % cut_every == 1) for i, call in enumerate(kept)
    )


def _executed(calls: list[Call], data: RunData) -> list[Call]:
    modules = {c.name: data.pool.entries[c.name].module for c in calls}
    runnable = [c for c in calls if modules[c.name]]
    paths = sorted({data.modules / str(modules[c.name]) for c in runnable})
    results = run_calls(paths, [c.model_dump() for c in runnable]) if runnable else []
    failed = {id(c) for c, r in zip(runnable, results, strict=True) if not r.ok}
    unique: dict[str, Call] = {c.key: c for c in calls if id(c) not in failed}
    return list(unique.values())


def _cut(id_: str, call: Call, data: RunData, wanted: bool) -> Drawn:
    """The call as drawn, or with one required text or number left out."""
    tool = data.pool.entries[call.name].tool
    names = [
        n for n in tool.required
        if isinstance(call.arguments.get(n), str | int | float) and not isinstance(call.arguments[n], bool)
        and not (tool.properties.get(n) or {}).get("enum")
    ]  # fmt: skip
    if not wanted or not names:
        return Drawn(id=id_, call=call)
    name = names[derive_seed(id_, call.key) % len(names)]
    rest = {n: v for n, v in call.arguments.items() if n != name}
    return Drawn(
        id=id_, call=Call(name=call.name, arguments=rest), left_out=Call(name=call.name, arguments={name: call.arguments[name]})
    )
