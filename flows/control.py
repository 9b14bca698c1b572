"""The control: the bootstrap trained further on labelled seeds alone, for as many steps as the rounds took.

A round's gain may be just more steps on the seeds. What self-made data adds is what the candidate has above the control: the
candidate is the champion, or the last round's challenger when no round was adopted.
"""

from __future__ import annotations

from prefect import flow

from selfimprove.errors import StoreError
from selfimprove.events import Note, emit
from selfimprove.observe.progress import watching
from selfimprove.observe.report import write_report
from selfimprove.store.champion import Model, lineage, read_champion
from selfimprove.store.layout import Layout, read_json
from selfimprove.store.lock import locked
from selfimprove.store.round import freeze, open_round
from selfimprove.store.stage import read_manifest
from selfimprove.store.starts import finished_rounds
from selfimprove.train.stage import challenger, trained
from tasks.evaluate import evaluate_test
from tasks.select import select_control
from tasks.train import train


@flow(name="control", flow_run_name="{name}-control", persist_result=False)
def control(folder: str, name: str) -> None:
    """Compares candidate, bootstrap and control on the test items, in `control-NNN`. Raises StoreError for an unfinished run."""
    layout = Layout.of(folder, name)
    with watching(), locked(layout.root):
        last = finished_rounds(layout)
        round_ = freeze(layout, last, open_round(layout, last).config, part="control")
        rounds, candidate = _trained(layout, last)
        rows = select_control(round_, sum(_steps(layout, n) for n in rounds) * round_.config.train.batch)
        bootstrap = trained(open_round(layout, 0))
        model = train(round_, rows, bootstrap)
        assert model is not None, "a control that diverges raises"
        evaluate_test(round_, [candidate, model, bootstrap])
        for c in read_json(round_.path / "comparison.json") or []:
            emit(Note(f"{c['a']} minus {c['b']} on {c['n']} test calls: {c['gain']:+.1%} [{c['low']:+.1%}, {c['high']:+.1%}]"))
        write_report(layout)


def _trained(layout: Layout, last: int) -> tuple[list[int], Model]:
    """The rounds whose training led to the candidate, and the candidate."""
    champion = read_champion(layout)
    assert champion is not None
    adopted = [c.round for c in lineage(champion) if c.round and c.name == open_round(layout, c.round).model_name]
    if adopted:
        return adopted, champion.current
    # None was adopted: the last one whose training gave a model.
    for number in range(last, 0, -1):
        if found := challenger(open_round(layout, number)):
            return [number], found
    raise StoreError(f"{layout.root}: the training of every round diverged, and there is nothing to compare a control with")


def _steps(layout: Layout, number: int) -> int:
    """Optimizer steps that a round took."""
    manifest = read_manifest(layout.round(number) / "train")
    return int(manifest["counts"]["steps"]) if manifest else 0
