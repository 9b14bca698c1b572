"""An adapter is taken only with the base that it was trained on: on another one the same matrices are another model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfimprove.errors import ModelError, TrainError
from selfimprove.models import check_adapter, model_digest
from selfimprove.store.adapter import WEIGHTS, read_adapter, write_card
from selfimprove.train.source import source
from tests.unit.test_train_source import model, weights


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    path = model(tmp_path / "adapter")
    (path / "model.safetensors").unlink()
    weights(path / WEIGHTS, (1, 1))
    config = {"base_model_name_or_path": str(model(tmp_path / "base")), "r": 16, "lora_alpha": 32}
    (path / "adapter_config.json").write_text(json.dumps(config))
    write_card(path, model_digest(tmp_path / "base"))
    return path


def test_an_adapter_is_counted_with_its_base_and_named_by_its_digest(adapter: Path, tmp_path: Path) -> None:
    found = check_adapter(adapter)
    assert found and found.base == tmp_path / "base" and found.rank == 16
    assert source(adapter).parameters == 6 and check_adapter(found.base) is None
    weights(adapter / WEIGHTS, (1, 2))
    write_card(adapter, found.base_digest)
    other = check_adapter(adapter)
    assert other and other.digest != found.digest


def test_an_adapter_for_another_base_is_refused(adapter: Path, tmp_path: Path) -> None:
    weights(tmp_path / "base" / "model.safetensors", (3, 2))
    with pytest.raises(TrainError, match=r"is an adapter for another base: .*base is \w{16} now and was \w{16} when"):
        source(adapter)


def test_an_adapter_whose_base_is_gone_is_refused(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "base").rename(tmp_path / "moved")
    with pytest.raises(ModelError, match=r"is an adapter for .*base, which is not there; put that model back"):
        check_adapter(adapter)


def test_matrices_that_were_exchanged_are_refused(adapter: Path) -> None:
    weights(adapter / WEIGHTS, (2, 2))
    with pytest.raises(ModelError, match=r"does not hold the matrices of the adapter \w{16}; train it again"):
        check_adapter(adapter)


def test_the_digest_of_an_adapter_changes_with_its_base_and_not_with_its_place(adapter: Path, tmp_path: Path) -> None:
    before = model_digest(adapter)
    assert model_digest(adapter.rename(tmp_path / "elsewhere")) == before
    weights(tmp_path / "base" / "model.safetensors", (3, 2))
    write_card(tmp_path / "elsewhere", model_digest(tmp_path / "base"))
    assert model_digest(tmp_path / "elsewhere") != before


@pytest.mark.parametrize("damage", ["{", "[]", '{"r": 16}', '{"base_model_name_or_path": "b", "r": 0, "lora_alpha": 1}'])
def test_a_damaged_adapter_is_refused(adapter: Path, damage: str) -> None:
    (adapter / "adapter_config.json").write_text(damage)
    with pytest.raises(ModelError, match="cannot be read"):
        read_adapter(adapter)
