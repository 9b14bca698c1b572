"""Round 0: measure the base model, train it on the labelled seeds, and elect the first champion."""

from __future__ import annotations

from prefect import flow

from selfimprove.records import Decision
from selfimprove.store.champion import base_model
from selfimprove.store.layout import Layout
from selfimprove.store.round import open_round
from tasks.decide import elect
from tasks.evaluate import evaluate, evaluate_base
from tasks.publish import publish
from tasks.select import select_seeds
from tasks.train import train


@flow(name="bootstrap", flow_run_name="{name}-bootstrap", persist_result=False)
def bootstrap(folder: str, name: str) -> Decision:
    """Round 0 of a run whose base model is resolved."""
    round_ = open_round(Layout.of(folder, name), 0)
    base = base_model(round_.layout)

    evaluate_base(round_, base)
    rows = select_seeds(round_)
    first = train(round_, rows, base)
    assert first is not None, "a bootstrap that diverges raises"
    scores = evaluate(round_, first)
    decision: Decision = elect(round_, first, scores)
    publish(round_)
    return decision
