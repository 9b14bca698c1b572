"""The gate on models that were really trained: it takes the one that learned more and no other.

A tiny random Llama learns a toy: say the colour that stands in the request. Trained on a handful of rows it knows the format at
most; on all rows it knows the task. Wordings of the gate are in no training row.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selfimprove.config.model import Engine, Gate, Train
from selfimprove.evaluate import Job, measure
from selfimprove.evaluate.gate import weigh
from selfimprove.models import model_digest
from selfimprove.records import Answer, Call, Decision, Output, Row, Sample, Tool
from selfimprove.store import jsonl
from selfimprove.store.champion import Model
from selfimprove.subtasks import use
from selfimprove.tools.suite import Suite, item_of
from selfimprove.train import train

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
LAMP = Tool(name="lamp", description="Set a lamp.", parameters={
    "type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]})  # fmt: skip
COLOURS = ("red", "blue", "green", "white")
OPENERS = {
    "train": (
        "Make it", "Turn the lamp", "I want", "Please choose", "Switch to", "Give me", "Set", "Now take", "Let us have", "Use",
    ),
    "gate": ("Could it be", "Show", "Change it to", "How about"),
}  # fmt: skip
CLOSERS = {"train": ("now", "please", "for tonight", "today", "at once", "for me"), "gate": ("thanks", "this evening", "soon")}
NOISE = (
    "import sys, torch; from transformers import AutoModelForCausalLM as M; torch.manual_seed(0);"
    "m = M.from_pretrained(sys.argv[1]);"
    "[p.data.add_(torch.randn_like(p) * 0.3 * p.std()) for p in m.parameters() if p.dim() > 1]; m.save_pretrained(sys.argv[1])"
)


def samples(part: str) -> list[Sample]:
    return [
        Sample(id=f"{part}-{c}-{i}-{j}", query=f"{opener} {c} {closer}.", tools=(LAMP,), answer=answer(c))
        for c in COLOURS for i, opener in enumerate(OPENERS[part]) for j, closer in enumerate(CLOSERS[part])
    ]  # fmt: skip


def answer(colour: str) -> Answer:
    return Answer(calls=(Call(name="lamp", arguments={"colour": colour}),))


def rows(chosen: list[Sample], shuffled: bool = False) -> list[Row]:
    answers = [s.answer for s in chosen]
    if shuffled:
        random.Random(1).shuffle(answers)
    return [use.row(s, a, "seed") for s, a in zip(chosen, answers, strict=True) if a]


class Shop:
    """Trains models and measures each on the same 48 items."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gate = Suite("gate", tuple(map(item_of, samples("gate"))))

    def train(self, name: str, start: Path, made: list[Row], epochs: float, rate: float = 3e-3) -> Path:
        out = self.folder / name
        jsonl.write(out / "rows.jsonl", made)
        config = Train(batch=8, micro_batch=8, epochs=epochs, warmup=0.05)
        train(start, out / "rows.jsonl", out / "train", config, max_tokens=200, learning_rate=rate, seed=1)
        return out / "train" / "model"

    def outputs(self, name: str, path: Path) -> list[Output]:
        job = Job(Model(name=name, path=path, digest=model_digest(path)), Engine(kind="transformers"), max_tokens=40)
        folder = self.folder / "measured" / name
        measure(job, {"gate": self.gate}, folder, "evaluate")
        return jsonl.read(folder / "gate.outputs.jsonl", Output)


@pytest.fixture(scope="module")
def measured(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Output]]:
    shop = Shop(tmp_path_factory.mktemp("gate"))
    pool = samples("train")
    few = shop.train("few", tiny_model, rows(pool[::20]), epochs=2)
    more = shop.train("more", tiny_model, rows(pool), epochs=20)
    copy, noisy = (Path(shutil.copytree(more, shop.folder / name)) for name in ("copy", "noisy"))
    subprocess.run([sys.executable, "-c", NOISE, str(noisy)], cwd=ROOT, check=True, capture_output=True)
    shuffled = shop.train("shuffled", more, rows(pool, shuffled=True), epochs=4, rate=1e-3)
    models = {"few": few, "more": more, "copy": copy, "noisy": noisy, "shuffled": shuffled}
    return {name: shop.outputs(name, path) for name, path in models.items()}


def decide(measured: dict[str, list[Output]], champion: str, challenger: str) -> Decision:
    return weigh(1, champion, challenger, measured[challenger], measured[champion], [], Gate())


def test_a_model_trained_on_more_rows_is_taken(measured: dict[str, list[Output]]) -> None:
    decision = decide(measured, "few", "more")
    assert decision.promoted and decision.gain > 0.2, decision.sentence


@pytest.mark.parametrize("challenger", ["copy", "noisy", "shuffled", "few"])
def test_a_copy_a_noisy_and_a_mistrained_model_are_refused(measured: dict[str, list[Output]], challenger: str) -> None:
    decision = decide(measured, "more", challenger)
    assert not decision.promoted, decision.sentence
    assert sum(o.correct for o in measured["more"]) > 24, "the champion has to know something for this to mean something"


def test_a_copy_answers_as_its_original_does(measured: dict[str, list[Output]]) -> None:
    assert [o.text for o in measured["copy"]] == [o.text for o in measured["more"]]
