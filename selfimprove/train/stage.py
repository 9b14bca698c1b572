"""The stage: training rows -> a challenger, by a DeepSpeed child. Its model is in `train/model`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selfimprove.errors import DivergedError, StoreError
from selfimprove.models import model_digest
from selfimprove.records import StageRef
from selfimprove.store.champion import Model, round_of
from selfimprove.store.layout import read_json
from selfimprove.store.round import Round
from selfimprove.train.launch import train
from selfimprove.train.spec import REJECTED

EMBEDDED_LICENCE = "apache-2.0"
"""Of SmolLM2-135M-Instruct, which comes without a card."""


def run(round_: Round, selected: StageRef, start: Model) -> tuple[StageRef, Model | None]:
    """No model: the training diverged, and the round ends without a challenger.

    Raises TrainError when the rows are refused or the training dies, DivergedError where the run cannot do without the model.
    """
    config = round_.config.train
    rate = config.learning_rate if round_.name == "bootstrap" else config.round_learning_rate
    inputs = {"rows": selected.digest, "start": start.digest, "train": config.model_dump(), "seed": round_.config.run.seed}
    with round_.stage("train", inputs) as stage:
        if not stage.finished:
            try:
                counts = train(
                    start.path, selected.path / "rows.jsonl", stage.path, config, max_tokens=round_.config.rows.max_tokens,
                    learning_rate=rate, seed=round_.config.run.seed, stage="train",
                    metadata=_metadata(round_, start),
                )  # fmt: skip
            except DivergedError:
                if round_.name != "round":
                    raise  # without a bootstrap there is no run, and without its model no control
                counts = read_json(stage.path / REJECTED)["counts"]  # type: ignore[index]
            stage.close(counts)
        assert stage.finished is not None
        return stage.finished, challenger(round_)


def _metadata(round_: Round, start: Model) -> dict[str, Any]:
    """For the card: where the model comes from, and what was known of its ancestor when it was trained."""
    found = {"run": round_.layout.name, "round": round_.number, "started from": f"{start.name} (digest {start.digest})"}
    if round_.config.model == "embedded":
        found["license"] = EMBEDDED_LICENCE
    known = read_json(_scores(round_, start))
    if known:
        rates = {"calls": known["call"], "abstentions": known["abstention"]}
        said = ", ".join(f"{r['correct']} of {r['n']} {name}" for name, r in rates.items() if r["n"])
        found[f"scores of {start.name} on the gate"] = said
    return found


def _scores(round_: Round, start: Model) -> Path:
    """Where the gate results of a model of this run lie."""
    folder = "evaluate-base" if start.name == "base" else "evaluate"
    return round_.layout.round(round_of(start.name) or 0) / folder / "gate.results.json"


def challenger(round_: Round) -> Model | None:
    """The model that a finished training left; None where it diverged, so that its round was rejected."""
    if (round_.path / "train" / REJECTED).exists():
        return None
    path = (round_.path / "train" / "model").resolve()
    return Model(name=round_.model_name, path=path, digest=model_digest(path))


def trained(round_: Round) -> Model:
    """The model of a round that has one. Raises StoreError when its training diverged."""
    model = challenger(round_)
    if model is None:
        raise StoreError(f"{round_.path}: its training diverged and left no model; see train/{REJECTED}")
    return model
