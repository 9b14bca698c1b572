"""Select: the training rows of one round, or of round 0."""

from prefect import task

import selfimprove.select
from selfimprove.records import StageRef
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="select", **OPTIONS)
def select(round_: Round, attempts: StageRef, verdicts: StageRef) -> StageRef:
    return selfimprove.select.run(round_, attempts, verdicts)


@task(name="select-seeds", **OPTIONS)
def select_seeds(round_: Round) -> StageRef:
    return selfimprove.select.run_bootstrap(round_)


@task(name="select-control", **OPTIONS)
def select_control(round_: Round, count: int) -> StageRef:
    return selfimprove.select.run_control(round_, count)
