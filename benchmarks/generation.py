"""Generation: tokens/s of our stage over raw `vllm.LLM.generate`, on the same prompts and sampling settings.

    python -m benchmarks.generation [--model embedded] [--repeats 3] [--prompts 24] [--samples 2] [--out FILE.json]

Ours is everything that a stage does: requests as records, rendering, the worker's pipes, decoding, and completions on
disk with fsync (`complete_to_file`). Raw is one `LLM.generate` over token ids rendered beforehand, in a child of its own
with the same engine settings. Both engines are loaded and have answered once before any clock starts; repeats alternate
and every repeat has prompts of its own, so that neither finds a prefix in its cache. The target is a ratio of 0.95.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from selfimprove.child import Child
from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import complete_to_file
from selfimprove.engine.process import WorkerEngine
from selfimprove.engine.protocol import Engine
from selfimprove.engine.settings import plan_workers
from selfimprove.models import resolve_model
from selfimprove.records import Message, Request, Sample
from selfimprove.store.jsonl import read

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS = ROOT / "configs" / "seeds" / "curriculum.jsonl"
SYSTEM = "Answer with tool calls, or say that no tool fits."


def main() -> None:
    if sys.argv[1:2] == ["--raw-child"]:
        return raw_child(Path(sys.argv[2]))
    options = _options()
    config = EngineConfig(max_model_len=384, kv_cache_gb=options.kv_cache_gb)
    model = resolve_model(options.model, options.cache)
    with tempfile.TemporaryDirectory() as folder:
        result = compare(config, model, Path(folder), options)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(
        f"generation: {result['ratio']:.3f} of raw vLLM ({result['ours']:.1f} of {result['raw']:.1f} tokens/s over "
        f"{options.repeats} alternating repeats); by processor seconds {result['cpu_ratio']:.3f}; "
        f"{result['load']:.1f} busy processes at the start; target 0.95"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="tokens/s of our generation stage over raw vLLM")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--kv-cache-gb", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def compare(config: EngineConfig, model: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    spec, environment = plan_workers(config, model, seed=0)[0]
    spec.write(folder / "raw.json")
    command = [sys.executable, "-m", "benchmarks.generation", "--raw-child", str(folder / "raw.json")]
    load = os.getloadavg()[0]
    runs = []
    with (
        WorkerEngine([(spec, environment)], folder, start_seconds=600, stall_seconds=600) as engine,
        Child(command, log=folder / "raw.log", environment=environment, cwd=ROOT) as raw,
    ):
        ours_run(engine, requests_of(0, options), folder / "warm.jsonl")
        raw_run(raw, requests_of(0, options))
        for repeat in range(1, options.repeats + 1):
            requests = requests_of(repeat, options)
            path = folder / f"{repeat}.jsonl"
            run: dict[str, Run] = {}
            # Who goes first alternates too: a neighbour's noise then falls on both.
            for who in ("ours", "raw") if repeat % 2 else ("raw", "ours"):
                run[who] = ours_run(engine, requests, path) if who == "ours" else raw_run(raw, requests)
            runs.append(run)
    return {
        **_summary(runs), "runs": [{who: asdict(one) for who, one in run.items()} for run in runs], "load": load,
        "cores": len(os.sched_getaffinity(0)), "prompts": options.prompts, "samples": options.samples,
    }  # fmt: skip


@dataclass(frozen=True)
class Run:
    """`cpu` counts the processor seconds of everything involved (for ours: the worker and this process)."""

    tokens: int
    seconds: float
    cpu: float


def _summary(runs: list[dict[str, Run]]) -> dict[str, Any]:
    """Rates over all repeats together: all tokens over all seconds, for the clock and for the processor."""
    rates, work = {}, {}
    for who in ("ours", "raw"):
        tokens = sum(run[who].tokens for run in runs)
        rates[who] = tokens / sum(run[who].seconds for run in runs)
        work[who] = tokens / sum(run[who].cpu for run in runs)
    return {**rates, "ratio": rates["ours"] / rates["raw"], "cpu_ratio": work["ours"] / work["raw"]}


def requests_of(repeat: int, options: argparse.Namespace) -> list[Request]:
    """Prompts with tools out of the seeds, long answers forced by a limit only. Repeat 0 warms up."""
    count = options.prompts if repeat else 2
    problems = read(PROBLEMS, Sample)[repeat * options.prompts :][:count]
    return [
        Request(
            id=f"{repeat}/{problem.id}", tools=problem.tools, k=options.samples, temperature=0.8, top_k=50, max_tokens=48,
            messages=(
                # The number comes first, so that no two prompts share a cached beginning with an earlier repeat.
                Message(role="system", content=f"{repeat}. {SYSTEM}"), Message(role="user", content=problem.query),
            ),
            seed=number,
        )
        for number, problem in enumerate(problems)
    ]  # fmt: skip


class _Kept:
    """An engine that a stage opens and closes, while in truth it stays: the start-up is on no clock."""

    def __init__(self, engine: Engine) -> None:
        self.complete, self.close = engine.complete, lambda: None

    def __enter__(self) -> _Kept:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def ours_run(engine: WorkerEngine, requests: list[Request], path: Path) -> Run:
    processes = [os.getpid(), *(worker.child.process.pid for worker in engine._workers)]
    started, before = time.monotonic(), _cpu(processes)
    rows = complete_to_file(lambda: _Kept(engine), requests, path, stage="bench", what="generation")
    # The warm-up starts the worker, whose start is then no part of `before`: nobody reads that run's cpu.
    return Run(sum(len(row.tokens) for row in rows), time.monotonic() - started, _cpu(processes) - before)


def raw_run(raw: Child, requests: list[Request]) -> Run:
    raw.send([request.model_dump(mode="json") for request in requests])
    row = raw.receive(timeout=600)
    if row is None:
        raise SystemExit(f"raw vLLM died:\n{raw.last_lines()}")
    return Run(**row)


def _cpu(processes: list[int]) -> float:
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def raw_child(spec_file: Path) -> None:
    """vLLM as its documentation shows it: an `LLM`, a list of prompts, `generate`."""
    rows = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from vllm import LLM, SamplingParams

    from selfimprove.chat.render import load_tokenizer, prompt_ids, stop_ids
    from selfimprove.engine.settings import Spec
    from selfimprove.engine.vllm_backend import engine_arguments

    spec = Spec.read(spec_file)
    model = LLM(**engine_arguments(spec))
    tokenizer = load_tokenizer(Path(spec.model))
    stop = stop_ids(tokenizer, Path(spec.model))
    for line in sys.stdin:
        requests = [Request.model_validate(row) for row in json.loads(line)]
        prompts = [{"prompt_token_ids": prompt_ids(tokenizer, r.messages, r.tools)} for r in requests]
        settings = [
            SamplingParams(
                n=r.k, temperature=r.temperature, top_k=r.top_k, top_p=r.top_p, max_tokens=r.max_tokens, seed=r.seed,
                stop_token_ids=stop, logprobs=0,
            )
            for r in requests
        ]  # fmt: skip
        started, before = time.monotonic(), _cpu([os.getpid()])
        made = model.generate(prompts, settings, use_tqdm=False)
        seconds = time.monotonic() - started
        tokens = sum(len(output.token_ids) for answer in made for output in answer.outputs)
        rows.write(json.dumps({"tokens": tokens, "seconds": seconds, "cpu": _cpu([os.getpid()]) - before}) + "\n")


if __name__ == "__main__":
    main()
