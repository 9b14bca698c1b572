"""What `auto` becomes: the least sharding that fits, then the largest pass; what is set is kept; the reason is said."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.config.model import Train
from selfimprove.train.estimate import Plan, estimate, fit
from selfimprove.train.source import Source

SMALL = Source(134_515_008, 576, 30, 49_152)
LARGE = Source(8_030_261_248, 4096, 32, 128_256)
GB = 1e9


def planned(model: Source, memory: float, tokens: int = 2048, on_gpu: bool = True, **config: Any) -> Plan:
    return fit(Train(**config), model, max_tokens=tokens, memory=memory * GB, on_gpu=on_gpu)


def chosen(plan: Plan) -> tuple[object, ...]:
    return plan.config.zero_stage, plan.config.offload, plan.config.micro_batch


def test_the_demo_trains_as_it_is_written_and_its_estimate_is_near_what_was_measured() -> None:
    plan = planned(SMALL, 15, tokens=288, on_gpu=False, batch=4, micro_batch=2)
    assert plan.config.gradient_checkpointing is False and "all activations kept" in plan.sentence
    assert chosen(plan) == (0, False, 2)
    assert 3.2 * GB <= plan.need <= 1.25 * 3.2 * GB


def test_without_memory_to_plan_with_the_largest_pass_is_taken() -> None:
    assert chosen(planned(SMALL, 0, batch=48)) == (0, False, 8)


def test_less_memory_means_smaller_passes_before_it_means_nothing() -> None:
    sizes = [planned(SMALL, memory, tokens=512, batch=8, packing=False).config.micro_batch for memory in (30, 10, 4, 3)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 8 and sizes[-1] == 1


def test_packed_rows_on_a_processor_need_memory_for_what_a_pass_holds() -> None:
    """Eight rows of 288 tokens are never in one pass there: a laptop was asked for four times the memory."""
    packed, padded = (planned(SMALL, 0, tokens=288, on_gpu=False, batch=8, packing=p).need for p in ("auto", False))
    assert packed < 4 * GB < 1.4 * packed < padded


@pytest.mark.parametrize(("processes", "memory", "stage", "offload"), [
    (1, 192, 0, False), (1, 80, 2, True), (4, 80, 1, False), (8, 40, 3, False), (8, 24, 3, True), (2, 24, 3, True),
])  # fmt: skip
def test_eight_billion_weights_are_sharded_as_far_as_needed_and_no_further(
    processes: int, memory: float, stage: int, offload: bool
) -> None:
    plan = planned(LARGE, memory, processes=processes, batch=48, gradient_checkpointing=True)
    assert chosen(plan)[:2] == (stage, offload) and plan.need <= memory * GB


def test_lora_of_eight_billion_weights_fits_one_card() -> None:
    plan = planned(LARGE, 80, method="lora", batch=48, gradient_checkpointing=True)
    assert chosen(plan) == (0, False, 8) and 16 * GB < plan.need < 72 * GB


@pytest.mark.parametrize(
    "config", [{"zero_stage": 3}, {"micro_batch": 5}, {"zero_stage": 2, "offload": True}, {"offload": False}], ids=str
)
def test_what_is_set_is_kept_even_where_it_does_not_fit(config: dict[str, Any]) -> None:
    plan = planned(LARGE, 10, processes=2, batch=48, **config)
    assert {name: getattr(plan.config, name) for name in config} == config
    assert "may not fit" in plan.sentence and "train.method=lora" in plan.sentence


def test_nothing_is_offloaded_where_there_is_no_gpu() -> None:
    assert chosen(planned(LARGE, 10, on_gpu=False, processes=2, batch=48))[1] is False


def test_the_sentence_says_what_was_chosen_and_why() -> None:
    said = planned(LARGE, 80, processes=4, batch=48, gradient_checkpointing=True).sentence
    for part in ("full training of 8030 million weights", "of the 80.0 GB", "train.zero_stage=1", "2048 tokens", "passes a step"):
        assert part in said


def test_a_model_of_unknown_shape_is_estimated_too() -> None:
    unknown = Source(SMALL.parameters, 0, 0, 0)
    config = planned(SMALL, 0, batch=8).config
    known, guessed = (estimate(config, model, max_tokens=512, on_gpu=False) for model in (SMALL, unknown))
    assert 0.5 < guessed / known < 2


@pytest.mark.parametrize(("made", "memory", "config"), [
    (False, 30, {}), ("selective", 6, {}), (True, 4.5, {}), (True, 6, {"zero_stage": 3}),
    ("selective", 30, {"wanted": "selective"}), (True, 30, {"wanted": "selective", "zero_stage": 3}),
    (False, 4.5, {"wanted": False}), (True, 30, {"wanted": True}),
])  # fmt: skip
def test_activations_are_made_again_only_as_far_as_memory_asks(made: Any, memory: float, config: dict[str, Any]) -> None:
    """Under ZeRO-3 the backward pass of a layer that is made again in part ends in an error."""
    config["gradient_checkpointing"] = config.pop("wanted", "auto")
    assert planned(SMALL, memory, on_gpu=False, batch=8, **config).config.gradient_checkpointing == made
