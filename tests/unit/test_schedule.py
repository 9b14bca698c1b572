"""Which rows make which step: each row once an epoch, in an order that follows from content."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

from hypothesis import given
from hypothesis import strategies as some

from selfimprove.config.model import Train
from selfimprove.train.deepspeed_config import accumulation, deepspeed_config, micro_batch
from selfimprove.train.schedule import batches, learning_rate, micro_batches, step_count

LENGTHS = some.lists(some.integers(2, 300), min_size=1, max_size=150)


@given(LENGTHS, some.integers(1, 16), some.integers(1, 3))
def test_every_row_is_trained_once_an_epoch(lengths: list[int], batch: int, epochs: int) -> None:
    plan = batches(ids(lengths), batch=batch, epochs=epochs, seed=7)
    assert Counter(row for part in plan for row in part) == dict.fromkeys(range(len(lengths)), epochs)
    assert max(map(len, plan)) <= batch


@given(LENGTHS, some.integers(1, 16), some.floats(0.01, 1))
def test_part_of_an_epoch_trains_part_of_the_rows(lengths: list[int], batch: int, epochs: float) -> None:
    plan = batches(ids(lengths), batch=batch, epochs=epochs, seed=7)
    rows = [row for part in plan for row in part]
    assert len(rows) == len(set(rows)) == max(1, round(epochs * len(lengths)))
    assert step_count(len(lengths), batch, epochs) == len(plan) >= 1


def test_the_order_follows_from_content_and_seed_only() -> None:
    lengths = [10 + 7 * i % 90 for i in range(50)]
    names = ids(lengths)
    forth = batches(names, batch=8, epochs=1, seed=7)
    back = batches(names[::-1], batch=8, epochs=1, seed=7)
    as_names = [{names[row] for row in part} for part in forth]
    assert as_names == [{names[::-1][row] for row in part} for part in back]
    assert forth != batches(names, batch=8, epochs=1, seed=8)


def test_rows_of_a_forward_pass_are_of_similar_length() -> None:
    lengths = [20 + (37 * i) % 200 for i in range(64)]
    plan = batches(ids(lengths), batch=16, epochs=1, seed=7)
    passes = [turn for part in plan for turn in micro_batches(part, lengths, turns=8, processes=1)[0]]
    padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in passes)
    assert padded < 1.15 * sum(lengths)


def test_a_step_is_a_random_draw_so_that_no_subtask_has_steps_of_its_own() -> None:
    lengths = [60] * 32 + [200] * 32
    mixed = [len({lengths[row] for row in part}) for part in batches(ids(lengths), batch=8, epochs=1, seed=7)]
    assert sum(kinds == 2 for kinds in mixed) >= 7


@given(some.lists(some.integers(2, 300), min_size=1, max_size=16), some.integers(1, 4), some.integers(1, 4))
def test_ranks_take_the_same_turns_and_share_all_rows(lengths: list[int], turns: int, processes: int) -> None:
    shares = micro_batches(range(len(lengths)), lengths, turns=turns, processes=processes)
    assert [len(share) for share in shares] == [turns] * processes
    assert sorted(row for share in shares for turn in share for row in turn) == list(range(len(lengths)))
    assert max(len(turn) for share in shares for turn in share) <= -(-len(lengths) // (turns * processes))


@given(some.lists(some.integers(2, 300), min_size=1, max_size=16), some.integers(1, 4), some.integers(1, 4))
def test_padded_passes_take_no_more_than_was_estimated(lengths: list[int], turns: int, processes: int) -> None:
    shares = micro_batches(range(len(lengths)), lengths, turns=turns, processes=processes, room=432)
    passes = [turn for share in shares for turn in share if turn]
    assert sorted(row for turn in passes for row in turn) == list(range(len(lengths)))
    assert all(len(turn) * max(lengths[row] for row in turn) <= 432 for turn in passes)


def test_the_rate_rises_and_falls() -> None:
    rates = [learning_rate(step, steps=20, warmup=0.1, peak=1.0) for step in range(20)]
    assert rates[0] == 0.5 and max(rates) == rates[1] == 1.0
    assert rates[2:] == sorted(rates[2:], reverse=True) and 0 < rates[-1] < 0.02
    assert learning_rate(0, steps=1, warmup=0.1, peak=1.0) == 1.0


def test_accumulation_covers_the_batch() -> None:
    config = Train(batch=24, micro_batch=5, processes=2, zero_stage=0, offload=False)
    assert (micro_batch(config), accumulation(config)) == (5, 3)
    made = deepspeed_config(config, learning_rate=1e-4, bf16=False)
    assert made["train_batch_size"] == 5 * 3 * 2 and "bf16" not in made and made["zero_optimization"] == {"stage": 0}


def test_bfloat16_is_trained_by_the_optimizer_that_keeps_float32() -> None:
    config = Train(micro_batch=8, zero_stage=0, offload=False)
    assert deepspeed_config(config, learning_rate=1e-4, bf16=True)["zero_optimization"]["stage"] == 1


def test_offload_moves_the_optimizer_and_under_stage_3_the_weights() -> None:
    for stage, moved in ((2, {"offload_optimizer"}), (3, {"offload_optimizer", "offload_param"})):
        config = Train(micro_batch=8, zero_stage=stage, offload=True)
        made = deepspeed_config(config, learning_rate=1e-4, bf16=True)
        assert set(made["zero_optimization"]) == {"stage", *moved}
        # With it DeepSpeed would compile an optimizer of its own at run time.
        assert made["zero_force_ds_cpu_optimizer"] is False


def test_the_caller_loads_nothing_heavy() -> None:
    script = (
        "import sys, selfimprove.train;"
        "heavy = {'torch', 'transformers', 'deepspeed', 'datasets', 'peft'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def ids(lengths: list[int]) -> list[str]:
    return [f"row-{number}" for number in range(len(lengths))]
