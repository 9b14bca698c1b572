"""Old weights are removed so that a weekly run does not fill the disk; never those that the next start needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove import doctor
from selfimprove.config.model import Config, Run
from selfimprove.store.champion import Model, promote
from selfimprove.store.layout import Layout, write_json
from selfimprove.store.retention import retire_models, retired
from tests.unit.test_train_source import model, weights

SIZE = 1000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A bootstrap and six rounds, the second of which is the champion; the fourth diverged and left no model."""
    found = Layout.of(tmp_path, "r")
    for number in range(7):
        found.round(number).mkdir(parents=True)
        if number != 4:
            put(found.round(number) / "train" / "model")
    promote(found, Model(name="round-002", path=found.round(2) / "train" / "model", digest="0" * 16), 2)
    return found


def put(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"x" * SIZE)
    for name in ("config.json", "README.md"):
        (folder / name).write_text("{}")


def test_champion_bootstrap_and_newest_keep_their_weights(layout: Layout) -> None:
    assert retire_models(layout, keep=2) == [1, 3]
    kept = [n for n in range(7) if (layout.round(n) / "train/model/model.safetensors").exists()]
    assert kept == [0, 2, 5, 6] and retired(layout) == 2
    assert (layout.round(1) / "train/model/README.md").exists()
    assert retire_models(layout, keep=2) == []


def test_a_run_without_a_champion_loses_nothing(tmp_path: Path) -> None:
    put(Layout.of(tmp_path, "r").round(1) / "train" / "model")
    assert retire_models(Layout.of(tmp_path, "r"), keep=1) == []


def test_removed_weights_are_not_asked_room_for_again(layout: Layout) -> None:
    model(layout.folder / "base")
    weights(layout.folder / "base" / "model.safetensors", (SIZE // 4,))
    write_json(layout.root / "starts.json", [{"first": 1, "last": 6}])
    config = Config(model=str(layout.folder / "base"), run=Run(folder=layout.folder, name="r", rounds=2))
    before = doctor._models_owed(config, more=True)
    retire_models(layout, keep=1)
    assert doctor._models_owed(config, more=True) == before
