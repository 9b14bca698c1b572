"""Evaluate: a challenger on gate, canaries and plain questions, the base on the gate, and at the end the test suite once."""

from collections.abc import Sequence

from prefect import task

import selfimprove.evaluate
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="evaluate", **OPTIONS)
def evaluate(round_: Round, challenger: Model) -> StageRef:
    return selfimprove.evaluate.evaluate_models(round_, "evaluate", challenger, ["gate", "canaries", "general"])


@task(name="evaluate-base", **OPTIONS)
def evaluate_base(round_: Round, base: Model) -> StageRef:
    return selfimprove.evaluate.evaluate_models(round_, "evaluate-base", base, ["gate"])


@task(name="evaluate-test", **OPTIONS)
def evaluate_test(round_: Round, models: Sequence[Model]) -> StageRef:
    return selfimprove.evaluate.evaluate_final(round_, models)
