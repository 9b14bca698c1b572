"""Configuration: what a user reads when a setting is wrong, and where each value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfimprove.config import Config, load, render
from selfimprove.errors import ConfigError


def write(folder: Path, text: str, name: str = "a.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refused(*files: Path, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        load(files, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_given_is_a_whole_configuration() -> None:
    assert load().value == Config()


def test_later_files_win_and_keep_what_they_do_not_name(tmp_path: Path) -> None:
    first = write(tmp_path, "train: {batch: 4, epochs: 2}\nrun: {seed: 1}\n")
    second = write(tmp_path, "train: {batch: 2}\n", "b.yaml")
    config = load([first, second], ["run.seed=3"]).value
    assert (config.train.batch, config.train.epochs, config.run.seed) == (2, 2, 3)


def test_every_value_says_which_file_or_word_set_it(tmp_path: Path) -> None:
    file = write(tmp_path, "train: {batch: 4}\nverify: {layers: [structure, tool]}\n")
    loaded = load([file], ["train.epochs=3"])
    assert loaded.origin == {
        "train.batch": str(file), "verify.layers": str(file), "train.epochs": "override train.epochs=3",
    }  # fmt: skip
    shown = {line.split(":")[0]: line.split("# ")[1] for line in render(loaded).splitlines()}
    assert shown["train.batch"] == str(file)
    assert shown["train.epochs"] == "override train.epochs=3"
    assert shown["train.dtype"] == "default"
    assert shown.keys() >= {"model", "run.name", "gate.confidence"}


def test_a_section_replaced_by_a_later_file_forgets_no_origin(tmp_path: Path) -> None:
    loaded = load([write(tmp_path, "plan: {round/train: 5}\n")], ["plan.round/train=7", "plan.final/evaluate=2"])
    assert loaded.value.plan == {"round/train": 7, "final/evaluate": 2}
    assert loaded.origin["plan.round/train"] == "override plan.round/train=7"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("train.bacth=4", "train.batch"), ("trian.batch=4", "train"), ("batch=4", "train.batch"),
        ("generate.use_sample=4", "generate.use_samples"), ("run.round=1", "run.rounds"),
    ],
)  # fmt: skip
def test_an_unknown_setting_is_refused_with_the_nearest_right_name(override: str, named: str) -> None:
    said = refused(overrides=(override,))
    assert said.startswith("unknown setting ")
    assert f"did you mean {named}?" in said


def test_an_unknown_setting_like_no_other_points_to_the_list() -> None:
    assert "config show" in refused(overrides=("qqqqqqqq.zzzzzzz=1",))


def test_an_unknown_setting_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "train: {bacth: 4}\n")
    assert str(file) in refused(file)


@pytest.mark.parametrize("override", ["train.batch=many", "train.batch=0", "run.name=../x", "gate.confidence=1",
"engine.kind=gpt",
                                      "verify.layers=[magic]", "train=5", "select.abstain=1.5", "run.name="])  # fmt: skip
def test_a_wrong_value_names_its_key_and_its_origin(override: str) -> None:
    said = refused(overrides=(override,))
    assert said.startswith(override.split("=")[0])
    assert f"override {override}" in said


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.micro_batch=0", "train.micro_batch (override train.micro_batch=0): Input should be greater than or equal to 1"),
        ("train.packing=maybe", "train.packing (override train.packing=maybe): Input should be 'auto', or a valid boolean"),
        ("train.offload=1.5", "train.offload (override train.offload=1.5): Input should be 'auto', or a valid boolean"),
        ("plan={a: -1}", "plan.a (override plan={a: -1}): Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_setting_of_several_kinds_is_named_as_it_is_written_with_all_of_them(override: str, said: str) -> None:
    assert refused(overrides=(override,)).startswith(said)
    assert refused(overrides=("train.micro_batch=0",)).endswith("or equal to 1, or 'auto'")


@pytest.mark.parametrize("key", ["train.batch", "train.micro_batch", "train.learning_rate", "train.zero_stage", "run.seed"])
def test_a_number_is_no_switch(key: str) -> None:
    """`train.batch=true` once trained with a batch of one row."""
    assert "should not be true or false" in refused(overrides=(f"{key}=true",))
    assert load([], ["train.packing=true", "train.keep_adapter=false"]).value.train.packing is True


def test_broken_yaml_names_file_and_line(tmp_path: Path) -> None:
    file = write(tmp_path, "run:\n  seed: 1\n  name: [a\ntrain: {}\n")
    assert refused(file).startswith(f"{file}, line ")


def test_a_file_that_is_no_mapping_or_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    assert "must be a mapping" in refused(write(tmp_path, "- a\n"))
    assert "no such configuration file" in refused(tmp_path / "none.yaml")
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused(binary)
    assert "cannot be read" in refused(tmp_path)


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert load([write(tmp_path, "# nothing\n")]).value == Config()


@pytest.mark.parametrize("override", ["train.batch", "=3"])
def test_a_word_that_is_no_setting_shows_how_to_write_one(override: str) -> None:
    assert "key.path=value" in refused(overrides=(override,))


def test_a_value_that_is_no_yaml_is_said() -> None:
    assert "not valid YAML" in refused(overrides=("run.name=[",))


def test_combinations_that_contradict_each_other_say_what_to_set() -> None:
    assert "engine.max_model_len=512 has no room" in refused(overrides=("rows.max_tokens=500",))
    assert "does not divide" in refused(overrides=("train.batch=9", "train.processes=2"))
    assert "leaves no room" in refused(overrides=("select.replay_seeds=0.7", "select.other_subtasks=0.3"))


def test_numbers_may_be_written_without_a_point() -> None:
    assert load([], ["train.learning_rate=1e-4"]).value.train.learning_rate == 1e-4


@pytest.mark.parametrize("word", ["train.epochs=.inf", "train.learning_rate=.nan", "train.subtask_weights={use: .nan}"])
def test_a_number_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(ConfigError):
        load([], [word])
