"""The test suite, opened once a start, after its last round: champion, last challenger, bootstrap and base."""

from __future__ import annotations

from prefect import flow

from selfimprove.store.champion import base_model, read_champion
from selfimprove.store.layout import Layout
from selfimprove.store.round import open_round
from selfimprove.train.stage import challenger, trained
from tasks.evaluate import evaluate_test
from tasks.publish import publish


@flow(name="evaluate", flow_run_name="{name}-final-{number}", persist_result=False)
def measure(folder: str, name: str, number: int) -> None:
    """Measures after round `number`; nothing is decided on the test suite."""
    round_ = open_round(Layout.of(folder, name), number, part="final")
    layout = round_.layout
    champion = read_champion(layout)
    assert champion is not None, "round 0 elects a champion"
    last = challenger(open_round(layout, number))
    first = trained(open_round(layout, 0))
    # The last challenger is measured even when it was not adopted: what the rounds did is shown, whatever it is.
    models = {m.digest: m for m in (champion.current, last, first, base_model(layout)) if m}
    evaluate_test(round_, list(models.values()))
    publish(round_)
