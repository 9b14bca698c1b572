"""Verify: the verifier's own test, and verdicts over the stored attempts of one round."""

from prefect import task

import selfimprove.verify
import selfimprove.verify.selftest.stage
from selfimprove.records import StageRef
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="selftest", **OPTIONS)
def self_test(round_: Round) -> StageRef:
    return selfimprove.verify.selftest.stage.run(round_)


@task(name="verify", **OPTIONS)
def verify(round_: Round, attempts: StageRef) -> StageRef:
    return selfimprove.verify.run(round_, attempts)
