"""Raw vLLM beside our engine, for the benchmarks that compare with it: both loaded, taking turns, on other prompts each time.

    runs = against_raw(config, model, folder, repeats, ours=lambda engine, repeat: ..., requests=lambda repeat: [...])
    summary(runs)["ratio"]

Raw is one `LLM.generate` over token ids rendered beforehand, in a child of its own with our engine's settings. Both have
answered once (repeat 0) before any clock starts, so start-up is on no clock. Who goes first alternates: a neighbour's noise
then falls on both. Processor seconds are counted beside the clock's, since a busy machine leaves them as they are.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selfimprove.child import Child
from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine.process import WorkerEngine
from selfimprove.engine.settings import plan_workers
from selfimprove.records import Completion, Request

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """`cpu` counts the processor seconds of everything involved (for ours: the worker and this process); `around` is the share
    of the seconds in which nobody waited for the engine."""

    tokens: int
    seconds: float
    cpu: float
    around: float = 0.0


class Waiting:
    """An engine that counts the seconds in which its completions are awaited; whoever closes it does not end it."""

    def __init__(self, engine: WorkerEngine) -> None:
        self._engine, self.seconds = engine, 0.0

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion]:
        made = iter(self._engine.complete(requests))
        while True:
            began = time.monotonic()
            row = next(made, None)
            self.seconds += time.monotonic() - began
            if row is None:
                return
            yield row

    def close(self) -> None: ...

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None: ...


def against_raw(
    config: EngineConfig, model: Path, folder: Path, repeats: int, *,
    ours: Callable[[Waiting, int], int], requests: Callable[[int], list[Request]],
) -> list[dict[str, Run]]:  # fmt: skip
    """A pair of runs for each repeat from 1 on. `ours` does the work of a repeat and returns the tokens that it made."""
    spec, environment = plan_workers(config, model, seed=0)[0]
    spec.write(folder / "raw.json")
    command = [sys.executable, "-m", "benchmarks._raw", str(folder / "raw.json")]
    runs = []
    with (
        WorkerEngine([(spec, environment)], folder, start_seconds=600, stall_seconds=600) as engine,
        Child(command, log=folder / "raw.log", environment=environment, cwd=ROOT) as raw,
    ):
        sides = {"ours": lambda repeat: _ours(engine, ours, repeat), "raw": lambda repeat: _raw(raw, requests(repeat))}
        for repeat in range(repeats + 1):
            order = ("ours", "raw") if repeat % 2 else ("raw", "ours")
            runs.append({who: sides[who](repeat) for who in order})
    return runs[1:]


def _ours(engine: WorkerEngine, work: Callable[[Waiting, int], int], repeat: int) -> Run:
    waiting = Waiting(engine)
    processes = [os.getpid(), *(worker.child.process.pid for worker in engine._workers)]
    started, before = time.monotonic(), _cpu(processes)
    tokens = work(waiting, repeat)
    seconds = time.monotonic() - started
    return Run(tokens, seconds, _cpu(processes) - before, 1 - waiting.seconds / seconds)


def _raw(raw: Child, requests: list[Request]) -> Run:
    raw.send([request.model_dump(mode="json") for request in requests])
    row = raw.receive(timeout=600)
    if row is None:
        raise SystemExit(f"raw vLLM died:\n{raw.last_lines()}")
    return Run(**row)


def _cpu(processes: list[int]) -> float:
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in processes]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def summary(runs: list[dict[str, Run]]) -> dict[str, Any]:
    """Rates over all repeats together: all tokens over all seconds, for the clock and for the processor."""
    rates, work = {}, {}
    for who in ("ours", "raw"):
        tokens = sum(run[who].tokens for run in runs)
        rates[who] = tokens / sum(run[who].seconds for run in runs)
        work[who] = tokens / sum(run[who].cpu for run in runs)
    seconds = sum(run["ours"].seconds for run in runs)
    return {
        **rates, "ratio": rates["ours"] / rates["raw"], "cpu_ratio": work["ours"] / work["raw"],
        "around": sum(run["ours"].around * run["ours"].seconds for run in runs) / seconds,
        "runs": [{who: asdict(one) for who, one in run.items()} for run in runs], "cores": len(os.sched_getaffinity(0)),
    }  # fmt: skip


def words(found: dict[str, Any]) -> str:
    return (
        f"{found['ratio']:.3f} of raw vLLM ({found['ours']:.1f} of {found['raw']:.1f} tokens/s over {len(found['runs'])} "
        f"alternating repeats); by processor seconds {found['cpu_ratio']:.3f}; target 0.95"
    )


def keep(found: dict[str, Any], out: Path | None) -> None:
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """The child: vLLM as its documentation shows it, an `LLM`, a list of prompts, `generate`."""
    rows = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from vllm import LLM, SamplingParams

    from selfimprove.chat.render import load_tokenizer, prompt_ids, stop_ids
    from selfimprove.engine.settings import Spec
    from selfimprove.engine.vllm_backend import engine_arguments

    spec = Spec.read(Path(sys.argv[1]))
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
        rows.write(json.dumps(asdict(Run(tokens, seconds, _cpu([os.getpid()]) - before))) + "\n")


if __name__ == "__main__":
    main()
