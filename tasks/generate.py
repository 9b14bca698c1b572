"""Generate: tool lists, requests and answers of one round, by the champion."""

from prefect import task

import selfimprove.generate
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="generate", **OPTIONS)
def generate(round_: Round, champion: Model) -> StageRef:
    return selfimprove.generate.run(round_, champion)
