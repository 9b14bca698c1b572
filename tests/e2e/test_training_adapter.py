"""LoRA that is kept as an adapter: engines load it with its base, the next training goes on with it, another base is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import open_engine
from selfimprove.errors import TrainError
from selfimprove.models import check_adapter, check_model
from selfimprove.records import Request
from selfimprove.train import train
from tests.e2e.training import ARGUMENTS, FULL
from tests.e2e.warm import Warm

LORA = FULL.model_copy(update={"method": "lora", "keep_adapter": True, "max_loss_rise": 0.0})
MUCH = {**ARGUMENTS, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def adapter(warm: Warm, tiny_model: Path, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapter")
    train(tiny_model, rows, out, LORA, launcher=warm, **MUCH)
    return out / "model"


def test_an_adapter_holds_its_matrices_alone_and_says_whose_they_are(adapter: Path, tiny_model: Path) -> None:
    check_model(adapter)
    found = check_adapter(adapter)
    assert found and found.base == tiny_model.resolve()
    with safe_open(adapter / "adapter_model.safetensors", "pt") as file:
        assert file.keys() and all("lora_" in name for name in file.keys())  # noqa: SIM118 - no mapping
    assert [file.name for file in adapter.glob("*.safetensors")] == ["adapter_model.safetensors"]
    for name in ("chat_template.jinja", "selfimprove.json", "tokenizer.json", "generation_config.json"):
        assert (adapter / name).read_bytes() == (tiny_model / name).read_bytes()
    assert "kept as an adapter" in (adapter / "README.md").read_text()


def test_the_vllm_engine_says_what_base_and_adapter_say_together(
    warm: Warm, adapter: Path, tiny_model: Path, tmp_path: Path
) -> None:
    asked = [Request.model_validate({"id": n, "messages": [{"role": "user", "content": n}], "max_tokens": 8}) for n in ("a", "b")]
    config = EngineConfig(kind="vllm", max_model_len=256, kv_cache_gb=0.25, max_sequences=16)
    with open_engine(config, adapter, tmp_path) as engine:
        said = {row.request: list(row.tokens) for row in engine.complete(asked)}
    expected = warm.call("tests.e2e.planted:greedy", str(adapter), *(row.id for row in asked))
    assert said == expected
    assert said != warm.call("tests.e2e.planted:greedy", str(tiny_model), *(row.id for row in asked))


def test_the_next_training_goes_on_with_the_matrices_and_the_base_stays(
    warm: Warm, adapter: Path, tiny_model: Path, rows: Path, tmp_path: Path
) -> None:
    before = json.loads((adapter.parent / "result.json").read_text())
    after = train(adapter, rows, tmp_path / "on", LORA, launcher=warm, **MUCH)
    assert after["loss_first"] < 0.9 * before["loss_first"]
    found = check_adapter(tmp_path / "on" / "model")
    assert found and found.base == tiny_model.resolve()
    merged = train(adapter, rows, tmp_path / "whole", FULL.model_copy(update={"max_loss_rise": 0.0}), launcher=warm, **MUCH)
    assert merged["loss_first"] == pytest.approx(after["loss_first"], abs=1e-4)
    assert check_adapter(tmp_path / "whole" / "model") is None


def test_matrices_of_another_rank_are_not_trained_on(warm: Warm, adapter: Path, rows: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"adapter of rank 16 and alpha 32, .*train.lora_rank=8.*set them to the same"):
        train(adapter, rows, tmp_path, LORA.model_copy(update={"lora_rank": 8}), launcher=warm, **MUCH)


def test_an_adapter_beside_another_base_starts_nothing(adapter: Path, tiny_model: Path, rows: Path, tmp_path: Path) -> None:
    copied, base = shutil.copytree(adapter, tmp_path / "adapter"), shutil.copytree(tiny_model, tmp_path / "base")
    (base / "generation_config.json").write_text("{}")
    config = json.loads((copied / "adapter_config.json").read_text())
    (copied / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(base)}))
    with pytest.raises(TrainError, match="is an adapter for another base"):
        train(copied, rows, tmp_path / "out", LORA, **MUCH)
    assert not (tmp_path / "out").exists()
