"""One round of self-improvement, readable top to bottom. Round 0 is in `bootstrap.py`, the loop in `improve.py`.

    seeds + pool -> attempts -> verdicts -> selection -> challenger -> scores -> decision
"""

from __future__ import annotations

from prefect import flow

from selfimprove.records import Decision
from selfimprove.store.champion import starting_champion, starting_model
from selfimprove.store.layout import Layout
from selfimprove.store.round import open_round
from tasks.decide import decide, reject
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.publish import publish
from tasks.select import select
from tasks.train import train
from tasks.verify import self_test, verify


@flow(name="round", flow_run_name="{name}-round-{number}", persist_result=False)
def improve_once(folder: str, name: str, number: int) -> Decision:
    """One round that was begun (its configuration and champion are frozen in its folder)."""
    round_ = open_round(Layout.of(folder, name), number)
    champion = starting_champion(round_.layout, round_.path)

    self_test(round_)
    attempts = generate(round_, champion)
    verdicts = verify(round_, attempts)
    rows = select(round_, attempts, verdicts)
    challenger = train(round_, rows, starting_model(round_.layout, champion, round_.config.train.start))
    if challenger:
        decision: Decision = decide(round_, champion, challenger, evaluate(round_, challenger))
    else:  # its training diverged
        decision = reject(round_, champion)
    publish(round_)
    return decision
