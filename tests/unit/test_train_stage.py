"""What the stage tells the trainer: the lineage of a model goes into its card, which is all that whoever finds it alone reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Config, Run, Train
from selfimprove.errors import TrainError
from selfimprove.records import StageRef
from selfimprove.store.champion import Model
from selfimprove.store.layout import Layout, write_json
from selfimprove.store.round import freeze
from selfimprove.train import stage
from selfimprove.train.spec import Spec


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A model directory that is looked at and never loaded."""
    path = tmp_path / "base"
    path.mkdir()
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (path / "config.json").write_text('{"model_type": "llama"}')
    return path


def told(tmp_path: Path, base: Path, number: int, start: str, model: str) -> dict[str, Any]:
    """What the card of a round's training shall say. The training itself is over before its processes are there."""
    config = Config(model=model, run=Run(folder=tmp_path, name="r"), train=Train(limit_minutes=1e-9))
    round_ = freeze(Layout.of(tmp_path, "r"), number, config)
    selected = StageRef(digest="0", path=tmp_path / "select")
    selected.path.mkdir(exist_ok=True)
    (selected.path / "rows.jsonl").write_text("")
    with pytest.raises(TrainError, match="limit_minutes"):
        stage.run(round_, selected, Model(name=start, path=base, digest="0123"))
    return Spec.read(round_.path / "train").metadata


def scores(calls: int, n: int) -> dict[str, Any]:
    return {"call": {"correct": calls, "n": n}, "abstention": {"correct": 0, "n": 0}}


def test_a_model_says_what_it_was_trained_from_and_how_good_that_was(tmp_path: Path, base: Path) -> None:
    write_json(tmp_path / "r/round-000/evaluate/gate.results.json", scores(15, 71))
    write_json(tmp_path / "r/round-000/evaluate-base/gate.results.json", scores(2, 71))
    found = told(tmp_path, base, 1, "bootstrap", str(base))
    assert (found["run"], found["round"], found["started from"]) == ("r", 1, "bootstrap (digest 0123)")
    assert found["scores of bootstrap on the gate"] == "15 of 71 calls" and "license" not in found


def test_a_child_of_the_embedded_model_is_under_its_licence(tmp_path: Path, base: Path) -> None:
    """Nothing else says it: the embedded model comes without a card."""
    write_json(tmp_path / "r/round-000/evaluate-base/gate.results.json", scores(2, 71))
    found = told(tmp_path, base, 0, "base", "embedded")
    assert found["license"] == "apache-2.0" and found["scores of base on the gate"] == "2 of 71 calls"
