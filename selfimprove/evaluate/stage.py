"""The stage: one model's greedy answers to a run's suites, or several models' answers to the test suite.

The items are a fixed subset, the same for every model of every run: categories in the suite's shares, chosen by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfimprove.config import Config
from selfimprove.evaluate.compare import compare
from selfimprove.evaluate.measure import Job, measure
from selfimprove.evaluate.versions import versions_of
from selfimprove.records import Comparison, Output, StageRef, SuiteItem, derive_seed
from selfimprove.store import jsonl
from selfimprove.store.champion import Model
from selfimprove.store.layout import write_json
from selfimprove.store.round import Round
from selfimprove.tools.data import RunData, load_data
from selfimprove.tools.suite import Suite


def evaluate_models(round_: Round, name: str, model: Model, suites: Sequence[str]) -> StageRef:
    """Measures one model on the named suites, in the stage directory `name` of a round."""
    data = load_data(round_.config.data)
    with round_.stage(name, _inputs(round_.config, data, [model], suites)) as stage:
        if stage.finished:
            return stage.finished
        return stage.close(_measure(round_.config, data, model, suites, stage.path, name))


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


def current_versions(config: Config, model: Model, suites: Sequence[str]) -> dict[str, dict[str, str]]:
    """Suite -> what a measurement of a model on it would depend on now; suites without items are left out."""
    data = load_data(config.data)
    return {
        suite.name: versions_of(model.path, suite, config.engine, config.generate.max_answer_tokens)
        for name in suites if (suite := chosen(config, data, name)).items
    }  # fmt: skip


def _inputs(config: Config, data: RunData, models: Sequence[Model], suites: Sequence[str]) -> dict[str, object]:
    return {
        "models": [m.digest for m in models], "suites": list(suites), "data": data.digest(*suites),
        "evaluate": config.evaluate.model_dump(), "engine": config.engine.kind, "max_tokens": config.generate.max_answer_tokens,
    }  # fmt: skip


def _measure(
    config: Config, data: RunData, model: Model, suites: Sequence[str], folder: Path, stage: str
) -> dict[str, float]:
    job = Job(model, config.engine, config.generate.max_answer_tokens)
    found = measure(job, {s.name: s for name in suites if (s := chosen(config, data, name)).items}, folder, stage)
    counts: dict[str, float] = {"generated_tokens": sum(round(r.mean_tokens * r.n) for r in found.values())}
    for name, results in found.items():
        if name == "general":
            counts["general"] = results.general.accuracy
        else:
            counts |= {f"{name}_call": results.call.accuracy, f"{name}_abstention": results.abstention.accuracy}
    return counts


def chosen(config: Config, data: RunData, name: str) -> Suite:
    """The items of one of a run's suites that its models are measured on."""
    wanted = {
        "gate": config.evaluate.gate_items, "test": config.evaluate.test_items, "canaries": config.evaluate.canary_items,
        "general": config.evaluate.general_items,
    }[name]  # fmt: skip
    return Suite(name, tuple(first_items(data.suites[name].items, name, wanted)), data.suites[name].profile)


def first_items(suite: Sequence[SuiteItem], name: str, wanted: int) -> list[SuiteItem]:
    """The first items of a suite in an order that only their ids give: the same for every model, round, seed and run."""
    categories: dict[str, list[SuiteItem]] = {}
    for item in sorted(suite, key=lambda s: derive_seed(name, s.id)):
        categories.setdefault(item.category, []).append(item)
    # Every category in its share: the item at relative place p of its category comes before one at a later place.
    ranked = sorted((place / len(rows), c, s.id, s) for c, rows in categories.items() for place, s in enumerate(rows))
    return sorted((s for *_, s in ranked[:wanted]), key=lambda s: s.id)
