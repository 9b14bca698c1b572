"""The summary's figures as flat metrics: name -> number. What each name means: the table in `mlflow`.

round_metrics(summary, 1)        # {"gate/call": 0.52, "gate/call_low": 0.38, "accepted": 31.0, ...}
"""

from __future__ import annotations

from collections.abc import Iterator

from selfimprove.observe.figures import ModelFigures, RunSummary
from selfimprove.records import Rate

FUNNEL = ("made", "parsed", "accepted", "rejected", "unknown", "selected", "trained")


def round_metrics(summary: RunSummary, round_: int) -> dict[str, float]:
    """Final values of a round; what was not measured is left out."""
    found: dict[str, float | None] = {}
    for model in summary.models:
        if model.round == round_:
            found |= _suites(model, ("gate", "canaries"))
            found["general/accuracy"] = model.general.accuracy if model.general else None
        if model.name == "base" and round_ == 0:
            found |= {f"base/{key}": value for key, value in _suites(model, ("gate",)).items()}
    for decision in summary.decisions:
        if decision.round == round_:
            if decision.n:  # the first champion is elected without a contest
                low, high = decision.interval
                found |= {"decision/gain": decision.gain, "decision/low": low, "decision/high": high}
            found["decision/promoted"] = float(decision.promoted)
    for funnel in summary.funnels:
        if funnel.round == round_:
            found |= {key: getattr(funnel, key) for key in FUNNEL}
    for oracle in summary.oracle:
        if oracle.round == round_:
            found |= {"oracle/precision": oracle.precision, "oracle/recall": oracle.recall}
    for tested in summary.self_tests:
        if tested.round == round_:
            for name, rate in tested.rates.items():
                key = f"selftest/{name}"
                found |= {key: rate.accuracy, f"{key}_low": rate.low, f"{key}_high": rate.high}
    for found_return in summary.returns:
        if found_return.round == round_:
            found |= {f"return/{key}": getattr(found_return, key) for key in ("per_device_hour", "per_1000_tokens")}
    for time in summary.stages:
        if time.round == round_ and time.group != "final":
            found[f"seconds/{time.stage}"] = time.spent
    return {key: float(value) for key, value in found.items() if value is not None}


def step_metrics(summary: RunSummary, round_: int) -> Iterator[tuple[str, float, int]]:
    """(name, value, optimizer step) of a round's training."""
    for step in summary.steps:
        if step.round == round_:
            yield "train/loss", step.loss, step.step
            for name, value in step.loss_by_subtask.items():
                yield f"train/loss/{name}", value, step.step
            for name in ("learning_rate", "grad_norm", "tokens_per_second", "supervised_share", "peak_gb"):
                value = getattr(step, name)
                if value is not None:
                    yield f"train/{name}", value, step.step


def final_metrics(summary: RunSummary) -> dict[str, float]:
    found: dict[str, float | None] = {}
    for model in summary.models:
        suites = _suites(model, ("test",))
        found |= {key.replace("test/", f"test/{model.name}/", 1): value for key, value in suites.items()}
    for comparison in summary.comparisons:
        name = f"test/{comparison.a}_minus_{comparison.b}"
        found |= {name: comparison.gain, f"{name}_low": comparison.low, f"{name}_high": comparison.high}
    return {key: float(value) for key, value in found.items() if value is not None}


def _suites(model: ModelFigures, names: tuple[str, ...]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in names:
        suite = getattr(model, name)
        for what in ("call", "abstention"):
            score: Rate | None = getattr(suite, what)
            if score:
                key = f"{name}/{what}"
                found |= {key: score.accuracy, f"{key}_low": score.low, f"{key}_high": score.high}
    return found
