"""The gate on models that were really trained: it takes the one that learned more and no other.

A tiny random Llama learns a toy (`shop`). Trained on a handful of rows it knows the format at most; on all rows, the task.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from selfimprove.config.model import Gate, Train
from selfimprove.evaluate.gate import weigh
from selfimprove.records import Decision, Output, Row, Sample
from selfimprove.store import jsonl
from selfimprove.subtasks import use
from selfimprove.train import train
from tests.e2e.shop import samples
from tests.e2e.warm import Warm

pytestmark = pytest.mark.real
NOISE = ("0.3", "1.0")


def rows(chosen: list[Sample], shuffled: bool = False) -> list[Row]:
    answers = [s.answer for s in chosen]
    if shuffled:
        random.Random(1).shuffle(answers)
    return [use.row(s, a, "seed") for s, a in zip(chosen, answers, strict=True) if a]


def trained(warm: Warm, folder: Path, name: str, start: Path, made: list[Row], epochs: float, rate: float = 3e-3) -> Path:
    jsonl.write(folder / f"{name}.jsonl", made)
    config, out = Train(batch=8, micro_batch=8, epochs=epochs, warmup=0.05), folder / f"{name}-train"
    train(start, folder / f"{name}.jsonl", out, config, max_tokens=200, learning_rate=rate, seed=1, launcher=warm)
    return (out / "model").rename(folder / name)


@pytest.fixture(scope="module")
def measured(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Output]]:
    """Each model's answers to the same 48 items."""
    folder, pool = tmp_path_factory.mktemp("gate"), samples("train")
    new = folder / "new"
    warm.call("tests.e2e.shop:new", str(new))
    trained(warm, folder, "few", new, rows(pool[::20]), epochs=30)
    more = trained(warm, folder, "more", new, rows(pool), epochs=6)
    trained(warm, folder, "shuffled", more, rows(pool, shuffled=True), epochs=2, rate=1e-3)
    shutil.copytree(more, folder / "copy")
    for share in NOISE:
        warm.call("tests.e2e.shop:noisy", str(more), share, str(folder / f"noise-{share}"))
    names = ("few", "more", "copy", "shuffled", *(f"noise-{share}" for share in NOISE))
    warm.call("tests.e2e.shop:measured", str(folder / "measured"), *(str(folder / name) for name in names))
    return {name: jsonl.read(folder / "measured" / name / "gate.outputs.jsonl", Output) for name in names}


def decide(measured: dict[str, list[Output]], champion: str, challenger: str) -> Decision:
    return weigh(1, champion, challenger, measured[challenger], measured[champion], [], Gate())


def test_a_model_trained_on_more_rows_is_taken(measured: dict[str, list[Output]]) -> None:
    decision = decide(measured, "few", "more")
    assert decision.promoted and decision.gain > 0.2, decision.sentence


@pytest.mark.parametrize("challenger", ["copy", *(f"noise-{share}" for share in NOISE), "shuffled", "few"])
def test_a_copy_a_noisy_and_a_mistrained_model_are_refused(measured: dict[str, list[Output]], challenger: str) -> None:
    decision = decide(measured, "more", challenger)
    assert not decision.promoted, decision.sentence
    assert sum(o.correct for o in measured["more"]) > 24, "the champion has to know something for this to mean something"


def test_a_copy_answers_as_its_original_does(measured: dict[str, list[Output]]) -> None:
    assert [o.text for o in measured["copy"]] == [o.text for o in measured["more"]]
