"""The stage: verdicts -> training rows. Writes rows.jsonl and bands.json; `run_bootstrap` does the same for round 0.

A round's rows are: replay of seeds, replay of mastered problems, rows of the other subtasks (tool lists, requests,
documentation), and for the rest fresh problems: learnable ones first, then frontier ones up to their share, kinds in the
shares of the labelled pool, abstentions at theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from selfimprove.config import Config
from selfimprove.records import Judged, Row, Sample, StageRef, derive_seed
from selfimprove.select.bands import BANDS, Band, band
from selfimprove.select.construct import constructed
from selfimprove.select.mixture import pick, quotas
from selfimprove.select.other_subtasks import bootstrap_rows, fresh_rows
from selfimprove.store import jsonl
from selfimprove.store.layout import write_json
from selfimprove.store.round import Round
from selfimprove.store.stage import Stage
from selfimprove.subtasks import use
from selfimprove.tools.data import RunData, load_data

ABSTAINING = ("no_tool", "missing")


def run_bootstrap(round_: Round) -> StageRef:
    """Round 0: labelled problems in the pool's shares of kinds, constructions from them, and rows of the other subtasks."""
    config, data = round_.config, load_data(round_.config.data)
    inputs = {"data": data.digest("tools", "bootstrap"), "bootstrap": config.bootstrap.model_dump(), "seed": config.run.seed}
    with round_.stage("select", inputs) as stage:
        if stage.finished:
            return stage.finished
        chosen = _seeds(data.bootstrap, config.bootstrap.use, config.run.seed)
        rows = [use.row(s, s.answer, "seed") for s in chosen if s.answer]
        made = [use.row(s, s.answer, "seed") for s in constructed(config, chosen, data.pool, config.run.seed) if s.answer]
        return _close(stage, [*rows, *made, *bootstrap_rows(config, data, chosen)], {}, config)


def run_control(round_: Round, count: int) -> StageRef:
    """`count` rows of labelled problems alone: what a control trains in place of self-made rows."""
    config, data = round_.config, load_data(round_.config.data)
    with round_.stage("select", {"data": data.digest("bootstrap"), "count": count, "seed": config.run.seed}) as stage:
        if stage.finished:
            return stage.finished
        rows: list[Row] = []
        # More rows than there are seeds are further passes over them: the control trains as many steps, whatever it takes.
        left_out = {str(row["id"]) for row in jsonl.read_growing(round_.layout.round(0) / "train" / "left_out.jsonl")}
        fitting = [s for s in data.bootstrap if f"use/{s.id}" not in left_out]
        for lap in range(-(-count // max(1, len(fitting)))):
            chosen = _seeds(fitting, count - len(rows), derive_seed(config.run.seed, "control", lap))
            new = [use.row(s, s.answer, "seed") for s in chosen if s.answer]
            rows += [r.model_copy(update={"id": f"{r.id}#{lap + 1}"}) if lap else r for r in new]
        return _close(stage, rows, {}, config)


def run(round_: Round, generated: StageRef, verified: StageRef) -> StageRef:
    """A round that trains from base trains on all rows selected so far as well."""
    config, data = round_.config, load_data(round_.config.data)
    earlier = _earlier_rows(round_) if config.train.start == "base" else []
    inputs = {
        "generate": generated.digest, "verify": verified.digest, "select": config.select.model_dump(), "seed": config.run.seed,
        "data": data.digest("tools", "bootstrap"), "earlier": [row.key for row in earlier],
    }  # fmt: skip
    with round_.stage("select", inputs) as stage:
        if stage.finished:
            return stage.finished
        samples = {s.id: s for s in jsonl.read(generated.path / "problems.jsonl", Sample, empty=True)}
        judged = jsonl.read(verified.path / "judged.jsonl", Judged, empty=True)
        banded = _banded(judged)
        rows = _mix(round_, data, samples, banded, generated, judged)
        known = {row.id for row in rows}
        rows += [row for row in earlier if row.id not in known]
        return _close(stage, rows, {name: len(banded[name]) for name in BANDS}, config)


def _replayed(round_: Round, count: int, seed: int) -> list[Row]:
    """Rows of round 0 again, constructions included, in its shares of kinds: what is not replayed is unlearned."""
    rows = jsonl.read(round_.layout.round(0) / "select" / "rows.jsonl", Row)
    kinds: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda r: derive_seed(seed, r.id)):
        if row.kind:
            kinds.setdefault(row.kind, []).append(row)
    wanted = quotas({kind: len(found) for kind, found in kinds.items()}, count)
    chosen = [row for kind in sorted(kinds) for row in kinds[kind][: wanted[kind]]]
    return [row.model_copy(update={"origin": "replay"}) for row in chosen]


def _earlier_rows(round_: Round) -> list[Row]:
    """Rows of all rounds before this one, each once."""
    files = [round_.layout.round(n) / "select" / "rows.jsonl" for n in range(round_.number)]
    rows = {row.id: row for file in files for row in jsonl.read(file, Row, empty=True)}
    return list(rows.values())


def _banded(judged: Iterable[Judged]) -> dict[Band, list[Judged]]:
    """Accepted problems by band. Oracle problems are measured, never trained."""
    found: dict[Band, list[Judged]] = {name: [] for name in BANDS}
    for j in judged:
        if j.verdict.status == "accepted" and j.source != "oracle" and j.answer:
            found[band(j.correct, j.k, j.near_miss)].append(j)
    return found


def _mix(
    round_: Round, data: RunData, samples: dict[str, Sample], banded: dict[Band, list[Judged]], generated: StageRef,
    judged: list[Judged],
) -> list[Row]:  # fmt: skip
    config, s = round_.config, round_.config.select
    seed = derive_seed(config.run.seed, round_.number, "select")
    shares = _shares(data.bootstrap, s.abstain)
    others = fresh_rows(config, data, generated, judged, samples, round(s.rows * s.other_subtasks), seed)
    mastered = _rows(banded["mastered"], samples, shares, round(s.rows * s.replay_mastered), seed, "mastered")
    seeds = _replayed(round_, round(s.rows * s.replay_seeds), seed)
    room = s.rows - len(others) - len(mastered) - len(seeds)
    learnable = _rows(banded["learnable"], samples, shares, room, seed, "learnable")
    frontier_room = min(room - len(learnable), round(s.rows * s.frontier))
    frontier = _rows(banded["frontier"], samples, shares, frontier_room, seed, "frontier")
    return [*learnable, *frontier, *mastered, *seeds, *others]


def _rows(
    judged: Sequence[Judged], samples: dict[str, Sample], shares: dict[str, float], count: int, seed: int, origin: str
) -> list[Row]:
    kinds: dict[str, list[Judged]] = {}
    for j in sorted(judged, key=lambda j: derive_seed(seed, j.sample)):
        kinds.setdefault(j.kind, []).append(j)
    chosen = pick(_capped(kinds, shares), shares, max(0, count))
    return [
        use.row(samples[j.sample].model_copy(update={"kind": j.kind}), j.answer, f"{origin}-{j.source}")
        for j in chosen
        if j.answer
    ]


def _capped(kinds: dict[str, list[Judged]], shares: dict[str, float]) -> dict[str, list[Judged]]:
    """Abstentions cut to their share of what there is: where calls are short they must not fill the room."""
    declined = {k: shares.get(k, 0.0) for k in ABSTAINING if k in kinds}
    share = sum(shares.get(k, 0.0) for k in ABSTAINING)
    calls = sum(len(rows) for kind, rows in kinds.items() if kind not in ABSTAINING)
    most = quotas(declined, round(calls * share / (1 - share))) if share < 1 else {}
    return {kind: rows[: most.get(kind, len(rows))] for kind, rows in kinds.items()}


def _shares(labelled: Sequence[Sample], abstain: float) -> dict[str, float]:
    """The labelled pool's shares of kinds, with abstentions together at their configured share."""
    counts: Counter[str] = Counter(s.kind for s in labelled)
    calls = {k: n for k, n in counts.items() if k not in ABSTAINING}
    declined = {k: n for k, n in counts.items() if k in ABSTAINING}
    shares = {k: (1 - abstain) * n / max(1, sum(calls.values())) for k, n in calls.items()}
    return shares | {k: abstain * n / max(1, sum(declined.values())) for k, n in declined.items()}


def _seeds(labelled: Sequence[Sample], count: int, seed: int) -> list[Sample]:
    kinds: dict[str, list[Sample]] = {}
    for sample in sorted(labelled, key=lambda s: derive_seed(seed, s.id)):
        kinds.setdefault(sample.kind, []).append(sample)
    wanted = quotas({k: len(v) for k, v in kinds.items()}, min(count, len(labelled)))
    return [sample for kind in sorted(kinds) for sample in kinds[kind][: wanted[kind]]]


def _close(stage: Stage, rows: Sequence[Row], bands: dict[str, int], config: Config) -> StageRef:
    ordered = sorted(rows, key=lambda r: r.id)
    jsonl.write(stage.path / "rows.jsonl", ordered)
    write_json(stage.path / "bands.json", bands)
    counts: dict[str, float] = {"rows": len(ordered)}
    for field in ("subtask", "origin", "kind"):
        counts |= {f"{field}_{n}": c for n, c in sorted(Counter(getattr(r, field) for r in ordered).items()) if n}
    return stage.close(counts | {f"band_{n}": c for n, c in bands.items()})
