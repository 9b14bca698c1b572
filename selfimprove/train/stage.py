"""The stage: training rows -> a challenger, by a DeepSpeed child. Its model is in `train/model`."""

from __future__ import annotations

from selfimprove.errors import DivergedError, StoreError
from selfimprove.models import model_digest
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.layout import read_json
from selfimprove.store.round import Round
from selfimprove.train.launch import train
from selfimprove.train.spec import REJECTED


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
                    metadata={"run": round_.layout.name, "round": round_.number, "started_from": start.name},
                )  # fmt: skip
            except DivergedError:
                if round_.name != "round":
                    raise  # without a bootstrap there is no run, and without its model no control
                counts = read_json(stage.path / REJECTED)["counts"]  # type: ignore[index]
            stage.close(counts)
        assert stage.finished is not None
        return stage.finished, challenger(round_)


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
