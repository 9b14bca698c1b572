"""tokens/s of a whole evaluation over raw vLLM on the same prompts (target 0.95), and the share around the engine (at most 5 %).

    python -m benchmarks.evaluation [--model embedded] [--items 48] [--repeats 3] [--out result.json]

Ours is `selfimprove.evaluate.measure`: prompts, streaming to disk, parsing, scoring, intervals, files. Raw is vLLM's
`LLM.generate` in a process of its own on the same requests. They alternate; both engines stay loaded, so start-up is on no
clock. "Around" is what `measure` takes when every completion is on disk already: the gold check, parsing, scoring, writing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.generation import ROOT, _Kept, raw_run
from selfimprove.child import Child
from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import complete_to_file
from selfimprove.engine.process import WorkerEngine
from selfimprove.engine.settings import plan_workers
from selfimprove.evaluate import Job, first_items, measure
from selfimprove.evaluate.measure import request_of
from selfimprove.models import model_digest, resolve_model
from selfimprove.records import SuiteItem
from selfimprove.store.champion import Model
from selfimprove.tools.registry import find_suite
from selfimprove.tools.suite import Suite

MAX_TOKENS = 48


def main() -> None:
    parser = argparse.ArgumentParser(description="tokens/s of an evaluation over raw vLLM")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kv-cache-gb", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    config = EngineConfig(max_model_len=512, kv_cache_gb=options.kv_cache_gb)
    path = resolve_model(options.model, options.cache).resolve()
    with tempfile.TemporaryDirectory() as folder:
        model = Model(name="bench", path=path, digest=model_digest(path))
        result = compare(Job(model, config, MAX_TOKENS), Path(folder), options)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(
        f"evaluation: {result['ratio']:.3f} of raw vLLM ({result['ours']:.1f} of {result['raw']:.1f} tokens/s over "
        f"{options.repeats} alternating repeats of {options.items} items; target 0.95); around the engine {result['around']:.1%} "
        f"of the time (target: at most 5 %); {result['load']:.1f} busy processes at the start"
    )


def compare(job: Job, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    spec, environment = plan_workers(job.engine, job.model.path, seed=0)[0]
    spec.write(folder / "raw.json")
    command = [sys.executable, "-m", "benchmarks.generation", "--raw-child", str(folder / "raw.json")]
    load, totals = os.getloadavg()[0], {"ours": [0, 0.0], "raw": [0, 0.0], "around": [0, 0.0]}
    with (
        WorkerEngine([(spec, environment)], folder, start_seconds=600, stall_seconds=600) as engine,
        Child(command, log=folder / "raw.log", environment=environment, cwd=ROOT) as raw,
    ):
        warm = [request_of("warm", item, MAX_TOKENS) for item in items_of(0, options)[:2]]
        complete_to_file(lambda: _Kept(engine), warm, folder / "warm.jsonl", stage="bench", what="warm-up")
        raw_run(raw, warm)
        for repeat in range(1, options.repeats + 1):
            suite = Suite(f"bench{repeat}", tuple(items_of(repeat, options)))
            for who in ("ours", "raw") if repeat % 2 else ("raw", "ours"):
                if who == "ours":
                    _add(totals["ours"], *timed(job, suite, folder / str(repeat), engine))
                    _add(totals["around"], *timed(job, suite, folder / str(repeat), engine))
                else:
                    run = raw_run(raw, [request_of(suite.name, item, MAX_TOKENS) for item in suite.items])
                    _add(totals["raw"], run.tokens, run.seconds)
    rates = {who: tokens / seconds for who, (tokens, seconds) in totals.items()}
    return {
        "ours": rates["ours"], "raw": rates["raw"], "ratio": rates["ours"] / rates["raw"], "load": load,
        "around": totals["around"][1] / totals["ours"][1], "items": options.items, "repeats": options.repeats,
    }  # fmt: skip


def timed(job: Job, suite: Suite, folder: Path, engine: WorkerEngine) -> tuple[int, float]:
    """(tokens, seconds) of a whole measurement with an engine that is loaded; the smoke item counts on our side only."""
    shutil.rmtree(folder / "log", ignore_errors=True)
    began = time.monotonic()
    results = measure(job, {suite.name: suite}, folder, "bench", engine=_Kept(engine))[suite.name]
    return round(results.mean_tokens * results.n), time.monotonic() - began


def items_of(repeat: int, options: argparse.Namespace) -> list[SuiteItem]:
    """Other items in each repeat, so that no prompt is in the engine's cache."""
    rows = find_suite("gate", Path("runs")).items + find_suite("test", Path("runs")).items
    chosen = first_items(rows, "bench", len(rows))
    return chosen[repeat * options.items :][: options.items]


def _add(total: list[Any], tokens: int, seconds: float) -> None:
    total[0] += tokens
    total[1] += seconds


if __name__ == "__main__":
    main()
