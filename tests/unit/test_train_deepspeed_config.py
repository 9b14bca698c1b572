"""What DeepSpeed is given: derived from the settings of a training, with its own settings laid over, and nothing said twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove.config import load
from selfimprove.config.model import DECIDED, Train
from selfimprove.errors import ConfigError
from selfimprove.train.deepspeed_config import deepspeed_config

PRESETS = Path(__file__).resolve().parents[2] / "configs" / "deepspeed"
SET = Train(zero_stage=2, micro_batch=2, batch=12, processes=2, offload=False)


def test_rows_of_a_step_are_the_same_however_they_are_divided() -> None:
    for processes, micro in ((1, 4), (2, 2), (3, 4), (12, 4), (1, 12)):
        found = deepspeed_config(
            SET.model_copy(update={"processes": processes, "micro_batch": micro}), learning_rate=1e-4, bf16=False
        )
        assert found["train_batch_size"] == 12, (processes, micro)
        assert found["train_micro_batch_size_per_gpu"] * found["gradient_accumulation_steps"] * processes == 12


def test_settings_of_deepspeeds_own_are_laid_over_key_by_key() -> None:
    own = {"zero_optimization": {"overlap_comm": True}, "optimizer": {"params": {"eps": 1e-6}}, "steps_per_print": 5}
    found = deepspeed_config(Train.model_validate({**SET.model_dump(), "deepspeed": own}), learning_rate=1e-4, bf16=False)
    plain = deepspeed_config(SET, learning_rate=1e-4, bf16=False)
    assert found["zero_optimization"] == {"stage": 2, "overlap_comm": True}
    assert found["optimizer"]["params"] == {**plain["optimizer"]["params"], "eps": 1e-6} and found["steps_per_print"] == 5


@pytest.mark.parametrize("name", sorted(DECIDED))
def test_what_the_trainer_must_know_itself_is_refused_and_its_own_setting_named(name: str) -> None:
    """A batch size or a stage that DeepSpeed alone knew would make the loss wrong in silence."""
    with pytest.raises(ConfigError, match=f"{name} follows from train\\..*: set that"):
        load([], [f"train.deepspeed.{name}=1"])
    with pytest.raises(ConfigError, match="no mapping of settings"):
        load([], ["train.deepspeed.zero_optimization=3"])


@pytest.mark.parametrize("file", sorted(PRESETS.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_stage_is_what_its_name_says(file: Path) -> None:
    config = load([PRESETS.parent / "base.yaml", file]).value.train
    stage, _, offload = file.stem.removeprefix("zero").partition("-")
    found = deepspeed_config(config, learning_rate=1e-4, bf16=False)["zero_optimization"]
    assert found["stage"] == int(stage) and ("offload_optimizer" in found) is bool(offload)
    assert found.items() >= config.deepspeed.get("zero_optimization", {}).items()
