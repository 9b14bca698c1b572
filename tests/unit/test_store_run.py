"""What a run remembers: who works on it, who is champion, which rounds are owed, and its frozen configuration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selfimprove.config import Config, load
from selfimprove.errors import StoreError
from selfimprove.events import Note, listening
from selfimprove.store.champion import Model, base_model, promote, read_champion, starting_champion, starting_model
from selfimprove.store.layout import Layout, read_json, write_json
from selfimprove.store.lock import locked
from selfimprove.store.round import freeze, open_round
from selfimprove.store.stage import open_stage
from selfimprove.store.starts import current_start, is_over, starts, stop_early

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from pathlib import Path
from selfimprove.store.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path, "run")


def model(name: str) -> Model:
    return Model(name=name, path=Path("models") / name, digest=name)


def end_start(layout: Layout, last: int) -> None:
    with open_stage(layout.final(last) / "evaluate", "evaluate", last, inputs={}) as stage:
        stage.close({})


def test_two_processes_never_work_on_one_run(layout: Layout) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(layout.root)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid}"), locked(layout.root):
            pass
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    with locked(layout.root):
        pass


def test_the_champion_is_the_last_one_promoted_and_history_keeps_the_others(layout: Layout) -> None:
    assert read_champion(layout) is None
    promote(layout, model("bootstrap"), 0)
    promote(layout, model("round-001"), 1)
    promote(layout, model("round-001"), 1)
    found = read_champion(layout)
    assert found is not None and found.current == model("round-001")
    assert [entry.round for entry in found.history] == [0, 1]


def test_a_round_that_goes_on_keeps_the_champion_it_began_with(layout: Layout) -> None:
    promote(layout, model("bootstrap"), 0)
    assert starting_champion(layout, layout.round(1)).name == "bootstrap"
    promote(layout, model("round-001"), 1)
    assert starting_champion(layout, layout.round(1)).name == "bootstrap"
    assert starting_champion(layout, layout.round(2)).name == "round-001"


def test_a_round_starts_from_base_where_it_is_asked_to_and_from_the_champion_else(layout: Layout) -> None:
    write_json(layout.card, {"base": model("base").model_dump(mode="json")})
    assert starting_model(layout, model("round-001"), "base") == model("base")
    assert starting_model(layout, model("round-001"), "champion") == model("round-001")


def test_a_run_without_champion_or_card_says_what_to_run(layout: Layout) -> None:
    with pytest.raises(StoreError, match="run round 0 first"):
        starting_champion(layout, layout.round(1))
    with pytest.raises(StoreError, match="selfimprove run CONFIG"):
        base_model(layout)


def test_a_damaged_file_of_a_run_is_named(layout: Layout) -> None:
    write_json(layout.champion, {})
    layout.champion.write_text("{")
    with pytest.raises(StoreError, match=r"champion\.json: cannot be read"):
        read_champion(layout)
    assert read_json(layout.card) is None


def test_an_interrupted_start_is_finished_before_another_begins(layout: Layout) -> None:
    first = current_start(layout, rounds=2, more=False)
    assert first is not None and (first.first, first.last) == (1, 2)
    assert current_start(layout, rounds=5, more=True) == first
    assert not is_over(layout, first)


def test_a_complete_run_gets_more_rounds_only_when_asked(layout: Layout) -> None:
    current_start(layout, rounds=2, more=False)
    end_start(layout, 2)
    assert current_start(layout, rounds=2, more=False) is None
    second = current_start(layout, rounds=3, more=True)
    assert second is not None and (second.first, second.last) == (3, 5)


def test_a_start_that_stops_early_says_why_and_the_next_begins_after_it(layout: Layout) -> None:
    start = current_start(layout, rounds=3, more=False)
    assert start is not None
    stop_early(layout, start, 1, "the budget is spent")
    assert [(s.last, s.stopped) for s in starts(layout)] == [(1, "the budget is spent")]
    end_start(layout, 1)
    following = current_start(layout, rounds=1, more=True)
    assert following is not None and following.first == 2


def told(work: Callable[[], object]) -> list[str]:
    notes: list[str] = []
    with listening(lambda event: notes.append(event.text) if isinstance(event, Note) else None):
        work()
    return notes


def test_a_round_keeps_the_configuration_that_it_began_with_and_says_so(layout: Layout) -> None:
    config = load([], ["select.rows=99", "data.tools=my/tools.jsonl", "train.start=base"]).value
    freeze(layout, 1, config)
    other = load([], ["run.rounds=9", "train.start=champion"]).value
    (said,) = told(lambda: freeze(layout, 1, other))
    assert said.startswith("round 1 keeps the settings") and "select.rows=64" in said and "run." not in said
    assert open_round(layout, 1).config == config
    assert told(lambda: freeze(layout, 1, config)) == [] and layout.rounds() == [1]


def test_a_training_that_failed_is_started_with_the_corrected_settings(layout: Layout) -> None:
    """What a trainer's refusal advises, a lower learning rate or shorter rows, must be possible in the round that failed."""
    freeze(layout, 0, load([], ["train.learning_rate=10", "rows.max_tokens=200"]).value)
    better = load([], ["train.learning_rate=1e-4", "rows.max_tokens=256"]).value
    assert told(lambda: freeze(layout, 0, better)) == [
        "the bootstrap goes on with rows.max_tokens=256, train.learning_rate=0.0001 from now on"
    ]
    assert open_round(layout, 0).config == better
    freeze(layout, 1, load([], ["rows.max_tokens=200"]).value)
    (later,) = told(lambda: freeze(layout, 1, better))
    assert "rows.max_tokens=256 counts from the next" in later and open_round(layout, 1).config.rows.max_tokens == 200


def test_a_training_that_is_done_keeps_the_settings_that_it_had(layout: Layout) -> None:
    config = load([], ["train.learning_rate=1e-3"]).value
    freeze(layout, 1, config)
    with open_stage(layout.round(1) / "train", "train", 1, inputs={}) as stage:
        stage.close({})
    assert told(lambda: freeze(layout, 1, Config())) == [] and open_round(layout, 1).config == config


def test_a_damaged_configuration_of_a_round_is_named(layout: Layout) -> None:
    freeze(layout, 1, Config())
    (layout.round(1) / "config.yaml").write_text("train: {bacth: 3}\n")
    with pytest.raises(StoreError, match=r"config\.yaml: cannot be read"):
        open_round(layout, 1)


def test_a_run_is_found_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Layout.of("runs", "a").root == (tmp_path / "runs" / "a").resolve()
