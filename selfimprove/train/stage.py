"""The stage: training rows -> a challenger, by a DeepSpeed child. Its model is in `train/model`."""

from __future__ import annotations

from selfimprove.models import model_digest
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from selfimprove.train.launch import train


def run(round_: Round, selected: StageRef, start: Model) -> tuple[StageRef, Model]:
    """Raises TrainError when the rows are refused or the training dies."""
    config = round_.config.train
    rate = config.learning_rate if round_.name == "bootstrap" else config.round_learning_rate
    inputs = {"rows": selected.digest, "start": start.digest, "train": config.model_dump(), "seed": round_.config.run.seed}
    with round_.stage("train", inputs) as stage:
        if not stage.finished:
            counts = train(
                start.path, selected.path / "rows.jsonl", stage.path, config, max_tokens=round_.config.rows.max_tokens,
                learning_rate=rate, seed=round_.config.run.seed, stage="train",
                metadata={"run": round_.layout.name, "round": round_.number, "started_from": start.name},
            )  # fmt: skip
            stage.close(counts)
        assert stage.finished is not None
        return stage.finished, challenger(round_)


def challenger(round_: Round) -> Model:
    """The model that a finished training left."""
    path = (round_.path / "train" / "model").resolve()
    return Model(name=round_.model_name, path=path, digest=model_digest(path))
