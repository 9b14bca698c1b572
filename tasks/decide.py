"""Decide: adopt the challenger or keep the champion, and say why."""

from prefect import task

import selfimprove.evaluate
from selfimprove.records import Decision, StageRef
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="decide", **OPTIONS)
def decide(round_: Round, champion: Model, challenger: Model, scores: StageRef) -> Decision:
    return selfimprove.evaluate.run_decide(round_, champion, challenger, scores)


@task(name="reject", **OPTIONS)
def reject(round_: Round, champion: Model) -> Decision:
    return selfimprove.evaluate.run_rejected(round_, champion)


@task(name="elect", **OPTIONS)
def elect(round_: Round, model: Model, scores: StageRef) -> Decision:
    return selfimprove.evaluate.run_first(round_, model, scores)
