"""What the machine is refused for: never for memory that is only cache, nor for models that are on the disk already."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from selfimprove import doctor
from selfimprove.config.model import Config, Run
from selfimprove.errors import MachineError
from selfimprove.machine import free_memory
from selfimprove.store.layout import Layout, write_json

MODEL = 1000
"""Bytes of the fixture's model in float32."""


def group(folder: Path, limit: str, used: int, **stat: int) -> tuple[Path, Path]:
    """The files of a machine with 8 kB free and of a control group, small."""
    (folder / "meminfo").write_text("MemTotal:  16 kB\nMemAvailable:  8 kB\nHugePages_Total:  0\n")
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    if stat:
        (folder / "memory.stat").write_text("".join(f"{name} {value}\n" for name, value in stat.items()))
    return folder / "meminfo", folder


def test_page_cache_refuses_no_run_in_a_container(tmp_path: Path) -> None:
    assert free_memory(*group(tmp_path, "5000", 4900, anon=900, inactive_file=4000, active_file=0)) == 4100


def test_a_container_is_never_promised_more_than_the_machine_has(tmp_path: Path) -> None:
    assert free_memory(*group(tmp_path, "50000", 4900, inactive_file=4000)) == 8192
    assert free_memory(*group(tmp_path, "max", 4900)) == 8192


def test_a_control_group_without_its_statistics_still_limits(tmp_path: Path) -> None:
    assert free_memory(*group(tmp_path, "5000", 4900)) == 100


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Two rounds with a model of MODEL bytes in float32 (its own file is bfloat16)."""
    file = tmp_path / "mine" / "model.safetensors"
    file.parent.mkdir()
    header = json.dumps({"w": {"dtype": "BF16", "shape": [MODEL // 4], "data_offsets": [0, MODEL // 2]}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * (MODEL // 2))
    (file.parent / "config.json").write_text('{"model_type": "llama", "hidden_size": 4, "num_hidden_layers": 1}')
    return Config(model=str(tmp_path / "mine"), run=Run(folder=tmp_path / "runs", name="r", rounds=2))


def put(folder: Path, size: int = MODEL) -> None:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"x" * size)


def started(config: Config, over: bool) -> Layout:
    """A run of two rounds, stopped in its last measurement or complete."""
    layout = Layout.of(config.run.folder, config.run.name)
    for number in range(3):
        put(layout.round(number) / "train" / "model")
    write_json(layout.root / "starts.json", [{"first": 1, "last": 2}])
    if over:
        (layout.final(2) / "evaluate").mkdir(parents=True)
        write_json(layout.final(2) / "evaluate" / "manifest.json", {})
    return layout


def test_a_new_run_asks_for_all_its_models(config: Config) -> None:
    put(config.run.folder / "another" / "train")
    assert doctor._models_owed(config, more=False) == 4 * MODEL


def test_a_run_is_not_refused_for_room_that_its_models_will_not_take(config: Config) -> None:
    """Adapters are small, and bfloat16 takes half: a run of large models once asked for their float32 weights each round."""
    assert doctor._models_owed(trained(config, dtype="bfloat16"), more=False) == 2 * MODEL
    assert doctor._models_owed(trained(config, method="lora", lora_rank=1), more=False) == 4 * MODEL
    matrices = 4 * 28 * 4  # width x the values of a rank x bytes
    assert doctor._models_owed(trained(config, method="lora", lora_rank=1, keep_adapter=True), more=False) == 4 * matrices


def trained(config: Config, **settings: object) -> Config:
    return config.model_copy(update={"train": config.train.model_copy(update=settings)})


def test_memory_is_asked_for_every_training_process(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "free_memory", lambda: 10 * doctor.GB)
    assert doctor._memory(config)[0].startswith("ok  memory")
    model = doctor._source(config)
    assert model
    assert doctor.estimate_memory(trained(config, processes=8), model) > 8 * 0.8 * doctor.GB
    with pytest.raises(MachineError, match=r"about 1[2-4]\.\d GB of memory are needed and 10.0 GB are free: .*train.processes"):
        doctor._memory(trained(config, processes=16, batch=16))


def test_more_training_processes_than_cores_are_warned_of(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "gpus", lambda: 0)
    cores = len(os.sched_getaffinity(0))
    assert not [line for line in doctor._devices(trained(config, processes=cores)) if line.startswith("!!")]
    (line,) = [line for line in doctor._devices(trained(config, processes=cores + 1)) if line.startswith("!!")]
    assert f"train.processes={cores + 1} is more than the {cores} cores here" in line


def test_a_resumed_run_is_not_refused_for_models_it_has_made(config: Config) -> None:
    started(config, over=False)
    assert doctor._models_owed(config, more=False) == MODEL


def test_a_complete_run_is_not_refused_on_a_full_disk_and_more_rounds_are(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(config, over=True)
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0.3 * doctor.GB + MODEL))
    assert doctor._disk(config, more=False)[0].startswith("ok  disk")
    assert doctor._models_owed(config, more=True) == 3 * MODEL
    with pytest.raises(MachineError, match="of disk are needed"):
        doctor._disk(config, more=True)


def test_the_converted_embedded_model_is_not_asked_room_for_twice(tmp_path: Path) -> None:
    config = Config(run=Run(folder=tmp_path, rounds=2))
    before = doctor._models_owed(config, more=False)
    put(tmp_path / "models" / "embedded-0")
    assert before - doctor._models_owed(config, more=False) == MODEL


def test_the_user_hears_which_walls_of_the_sandbox_this_machine_lacks() -> None:
    lines = doctor._sandbox()
    assert lines == ["ok  sandbox: tool calls run unprivileged, in a folder of their own, without network, within limits"] or all(
        line.startswith("!!  sandbox: ") and "\n" not in line for line in lines
    )


def test_a_gpu_never_stands_idle_beside_a_torch_that_cannot_use_it(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "gpus", lambda: 1)
    installed = importlib.metadata.version
    for built, refused in (("2.13.0+cpu", True), ("2.13.0+cu130", False), ("2.13.0", False)):
        monkeypatch.setattr(importlib.metadata, "version", lambda name, b=built: b if name == "torch" else installed(name))
        if refused:
            with pytest.raises(MachineError, match="PLATFORM=nvidia"):
                doctor._devices(config)
        else:
            assert doctor._devices(config) == ["ok  1 GPUs"]
