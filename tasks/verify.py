"""Verify: verdicts over the stored attempts of one round."""

from prefect import task

import selfimprove.verify
from selfimprove.records import StageRef
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="verify", **OPTIONS)
def verify(round_: Round, attempts: StageRef) -> StageRef:
    return selfimprove.verify.run(round_, attempts)
