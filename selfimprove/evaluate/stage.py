"""The stage: one model's greedy answers to suites. Writes SUITE.outputs.jsonl and SUITE.results.json for each.

The items are a fixed subset, the same for every model of every run: kinds in the suite's shares, chosen by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfimprove.config import Config
from selfimprove.engine import Engine, complete_to_file, open_engine
from selfimprove.evaluate.compare import ABSTAINING, call_items, compare
from selfimprove.evaluate.metrics import rate_of, score
from selfimprove.records import Comparison, Completion, Output, Request, Results, Sample, StageRef, derive_seed
from selfimprove.store import jsonl
from selfimprove.store.champion import Model
from selfimprove.store.layout import write_json
from selfimprove.store.round import Round
from selfimprove.subtasks import use
from selfimprove.tools.data import RunData, load_data

Suites = dict[str, list[Sample]]


def evaluate_models(round_: Round, name: str, model: Model, suites: Sequence[str]) -> StageRef:
    """Measures one model on the named suites, in the stage directory `name` of a round."""
    data = load_data(round_.config.data)
    with round_.stage(name, _inputs(round_.config, data, [model], suites)) as stage:
        if stage.finished:
            return stage.finished
        counts = _measure(round_.config, data, model, suites, stage.path, name)
        return stage.close(counts)


def evaluate_final(round_: Round, models: Sequence[Model]) -> StageRef:
    """Opens the test suite, once: all models on the same items, and the first one compared with each other one."""
    data = load_data(round_.config.data)
    with round_.stage("evaluate", _inputs(round_.config, data, models, ["test"])) as stage:
        if stage.finished:
            return stage.finished
        counts: dict[str, float] = {}
        for model in models:
            found = _measure(round_.config, data, model, ["test"], stage.path / model.name, "evaluate")
            counts |= {f"{model.name}_{k}": v for k, v in found.items()}
        write_json(round_.path / "comparison.json", [c.model_dump() for c in compare_all(stage.path, models)])
        return stage.close(counts)


def compare_all(path: Path, models: Sequence[Model]) -> list[Comparison]:
    """The first model against each of the others, then the others in turn against those after them, on the test items."""
    outputs = {m.name: jsonl.read(path / m.name / "test.outputs.jsonl", Output) for m in models}
    names = list(outputs)
    return [compare(outputs[a], outputs[b], (a, b), "test") for i, a in enumerate(names) for b in names[i + 1 :]]


def _inputs(config: Config, data: RunData, models: Sequence[Model], suites: Sequence[str]) -> dict[str, object]:
    return {
        "models": [m.digest for m in models], "suites": list(suites), "data": data.digest(*suites),
        "evaluate": config.evaluate.model_dump(), "engine": config.engine.kind, "max_tokens": config.generate.max_answer_tokens,
    }  # fmt: skip


def _measure(
    config: Config, data: RunData, model: Model, suites: Sequence[str], folder: Path, stage: str
) -> dict[str, float]:
    chosen = {name: items(config, getattr(data, name), name) for name in suites}
    requests = [_request(config, name, s) for name, samples in chosen.items() for s in samples]
    def engine() -> Engine:
        return open_engine(config.engine, model.path, folder / "log")

    made = complete_to_file(engine, requests, folder / "completions" / "suites.jsonl", stage=stage, what=model.name)
    by_id = {c.request: c for c in made}
    counts: dict[str, float] = {"generated_tokens": sum(len(c.tokens) for c in made)}
    for name, samples in chosen.items():
        results = _write(folder, name, model, samples, by_id)
        counts |= {f"{name}_call": results.call.accuracy, f"{name}_abstention": results.abstention.accuracy}
    return counts


def items(config: Config, suite: Sequence[Sample], name: str) -> list[Sample]:
    """The first items of a suite in an order that only their ids give: the same for every model, round, seed and run."""
    wanted = min(len(suite), {"gate": config.evaluate.gate_items, "test": config.evaluate.test_items}.get(
        name, config.evaluate.canary_items))  # fmt: skip
    kinds: dict[str, list[Sample]] = {}
    for sample in sorted(suite, key=lambda s: derive_seed(name, s.id)):
        kinds.setdefault(sample.kind, []).append(sample)
    # Every kind in its share: the item at relative place p of its kind comes before one at a later place.
    ranked = sorted((place / len(rows), kind, s.id, s) for kind, rows in kinds.items() for place, s in enumerate(rows))
    return sorted((s for *_, s in ranked[:wanted]), key=lambda s: s.id)


def _request(config: Config, suite: str, sample: Sample) -> Request:
    return Request(
        id=f"{suite}/{sample.id}", messages=use.prompt(sample), tools=sample.tools, max_tokens=config.generate.max_answer_tokens
    )


def _write(folder: Path, suite: str, model: Model, samples: Sequence[Sample], made: dict[str, Completion]) -> Results:
    outputs = [score(s, made[f"{suite}/{s.id}"]) for s in samples]
    kinds = sorted({o.kind for o in outputs})
    results = Results(
        suite=suite, model=model.name, digest=model.digest, n=len(outputs), call=rate_of(call_items(outputs)),
        abstention=rate_of(o for o in outputs if o.kind in ABSTAINING), truncated=sum(o.finish == "length" for o in outputs),
        kinds={k: rate_of(o for o in outputs if o.kind == k) for k in kinds},
    )  # fmt: skip
    jsonl.write(folder / f"{suite}.outputs.jsonl", outputs)
    write_json(folder / f"{suite}.results.json", results.model_dump(mode="json"))
    return results
