"""Train: a challenger out of the selected rows."""

from prefect import task

import selfimprove.train.stage
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="train", **OPTIONS)
def train(round_: Round, rows: StageRef, start: Model) -> Model | None:
    """None: the training diverged, and there is no challenger."""
    return selfimprove.train.stage.run(round_, rows, start)[1]
