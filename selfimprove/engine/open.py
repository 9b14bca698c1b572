"""The one place that knows every engine: a configuration in, an engine out. Nothing starts before the first request.

    with open_engine(config.engine, model_dir, log_dir) as engine: ...
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine.process import WorkerEngine
from selfimprove.engine.protocol import Engine
from selfimprove.engine.scripted import ScriptedEngine
from selfimprove.engine.settings import plan_workers
from selfimprove.errors import EngineError


def open_engine(config: EngineConfig, model: Path, log_dir: Path, seed: int = 0) -> Engine:
    """`log_dir` receives one log and one spec file for each worker. Raises EngineError for what cannot work here."""
    if config.kind == "scripted":
        if config.script is None:
            raise EngineError("engine.kind=scripted needs engine.script, a JSON file of answers")
        return ScriptedEngine(config.script)
    plan = plan_workers(config, model, seed)
    return WorkerEngine(plan, log_dir, start_seconds=config.start_seconds, stall_seconds=config.stall_seconds)
