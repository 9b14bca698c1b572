"""What is no model to train is refused by its files alone: one sentence that names the file, and nothing is opened."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.train import train
from selfimprove.train.launch import _check_disk
from selfimprove.train.source import Source, source

CONFIG = {"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2, "vocab_size": 32}


def weights(file: Path, shape: tuple[int, ...] = (2, 3), spare: int = 0) -> Path:
    """A safetensors file with one float32 tensor, and `spare` bytes more or less than its header promises."""
    size = 4
    for n in shape:
        size *= n
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}})
    file.write_bytes(struct.pack("<Q", len(header)) + header.encode() + b"\0" * (size + spare))
    return file


def model(path: Path, config: Any = CONFIG) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    weights(path / "model.safetensors")
    return path


def test_a_sound_model_is_counted(tmp_path: Path) -> None:
    assert source(model(tmp_path)) == Source(parameters=6, hidden=8, layers=2, vocabulary=32)
    weights(tmp_path / "a.safetensors", (4, 4))
    index = {"weight_map": {"w": "a.safetensors", "v": "a.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert source(tmp_path).parameters == 16


def test_a_shape_that_the_configuration_does_not_give_is_zero(tmp_path: Path) -> None:
    assert source(model(tmp_path, {"model_type": "x", "hidden_size": "big"})) == Source(6, 0, 0, 0)
    text = {"model_type": "x", "text_config": {"hidden_size": 4, "num_hidden_layers": True}}
    assert source(model(tmp_path, text)) == Source(6, 4, 0, 0)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "config.json: cannot be read"), ("[1]", "is no JSON object"), ({}, "names no model_type"),
        ({"model_type": 3}, "names no model_type"), ("[" * 100_000, "cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_refused(tmp_path: Path, config: Any, said: str) -> None:
    with pytest.raises(TrainError, match=said):
        source(model(tmp_path, config))


def test_an_adapter_from_elsewhere_is_not_taken_for_a_model(tmp_path: Path) -> None:
    """transformers would load the base that the adapter names, whatever lies beside it."""
    (model(tmp_path) / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/other"}))
    with pytest.raises(TrainError, match=r"is a LoRA adapter for org/other without adapter.json.*merge it into its base"):
        source(tmp_path)


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path):
        with pytest.raises(TrainError, match=r"is no model directory \(it has no config.json\)"):
            source(path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_a_pickle_is_refused_unopened(tmp_path: Path, name: str) -> None:
    (model(tmp_path) / "model.safetensors").rename(tmp_path / name)
    with pytest.raises(TrainError, match=r"its weights are a pickle \(.*convert them to safetensors"):
        source(tmp_path)


@pytest.mark.parametrize("bytes_", [pickle.dumps({"w": 1}), b"PK\x03\x04" + b"\0" * 100])
def test_a_pickle_under_another_name_is_refused_unopened(tmp_path: Path, bytes_: bytes) -> None:
    (model(tmp_path) / "model.safetensors").write_bytes(bytes_)
    with pytest.raises(TrainError, match=r"model.safetensors: is a pickle under the name of a safetensors file"):
        source(tmp_path)


@pytest.mark.parametrize("spare", [-1, -24, 1])
def test_weights_that_are_cut_off_are_refused(tmp_path: Path, spare: int) -> None:
    file = model(tmp_path) / "model.safetensors"
    file.write_bytes(weights(file).read_bytes()[:spare] if spare < 0 else weights(file, spare=spare).read_bytes())
    with pytest.raises(TrainError, match=r"model.safetensors: has \d+ bytes where its header promises \d+"):
        source(tmp_path)


@pytest.mark.parametrize(
    "bytes_",
    [
        b"", b"\0" * 7, b"\0" * 8, b"version https://git-lfs.github.com/spec/v1\n", b"\xff" * 64, struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 9) + b'{"w": {}}', struct.pack("<Q", 2) + b"{]",
    ],
)  # fmt: skip
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, bytes_: bytes) -> None:
    (model(tmp_path) / "model.safetensors").write_bytes(bytes_)
    with pytest.raises(TrainError, match=r"model.safetensors: (is no safetensors file|its header is no safetensors header)"):
        source(tmp_path)


@pytest.mark.parametrize("named", ["../other.safetensors", "pytorch_model.bin", "gone.safetensors", 7])
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, named: Any) -> None:
    weights(tmp_path.parent / "other.safetensors")
    (model(tmp_path) / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": named}}))
    with pytest.raises(TrainError, match="is no safetensors file beside it"):
        source(tmp_path)


def test_a_model_for_which_the_disk_has_no_room_is_refused_before_it_is_trained(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"the model takes \d+\.\d GB of disk and \d+\.\d GB are free; free some"):
        _check_disk(4e15, tmp_path / "not" / "yet")
    _check_disk(4, tmp_path)


def test_a_training_without_room_for_its_model_starts_nothing(tmp_path: Path) -> None:
    """Its weights are a hole in a file: they have no room on the disk themselves."""
    path, numbers = model(tmp_path / "large"), shutil.disk_usage(tmp_path).free // 2
    header = json.dumps({"w": {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}}).encode()
    (path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(path / "model.safetensors", 8 + len(header) + 4 * numbers)
    (path / ".digests.json").write_text(json.dumps({"model.safetensors": known(path / "model.safetensors")}))
    (tmp_path / "rows.jsonl").write_text("")
    with pytest.raises(TrainError, match=r"the model takes \d+\.\d GB of disk and \d+\.\d GB are free; free some"):
        train(path, tmp_path / "rows.jsonl", tmp_path / "out", Train(), max_tokens=9, learning_rate=1e-3, seed=7)
    assert not (tmp_path / "out").exists()


def known(file: Path) -> dict[str, Any]:
    """What the side file of `model_digest` says of a file, so that terabytes of nothing are not read."""
    return {"stamp": [file.stat().st_size, file.stat().st_mtime_ns], "sha256": "0"}


def test_a_folder_under_the_name_of_weights_is_refused(tmp_path: Path) -> None:
    (model(tmp_path) / "model.safetensors").unlink()
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(TrainError, match=r"model.safetensors: is no file"):
        source(tmp_path)


def test_no_weights_are_refused(tmp_path: Path) -> None:
    (model(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(TrainError, match="has no weights"):
        source(tmp_path)
