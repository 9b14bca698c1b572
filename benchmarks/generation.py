"""Generation: tokens/s of our stage over raw `vllm.LLM.generate`, on the same prompts and sampling settings.

    python -m benchmarks.generation [--model embedded] [--repeats 3] [--prompts 24] [--samples 2] [--out FILE.json]

Ours is everything that a stage does: requests as records, rendering, the worker's pipes, decoding, and completions on
disk with fsync (`complete_to_file`). Raw: see `benchmarks/_raw.py`. Every repeat has prompts of its own, so that neither
finds a prefix in its cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks._raw import ROOT, Waiting, against_raw, keep, summary, words
from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import complete_to_file
from selfimprove.models import resolve_model
from selfimprove.records import Message, Request, Sample
from selfimprove.store.jsonl import read

PROBLEMS = ROOT / "configs" / "seeds" / "curriculum.jsonl"
SYSTEM = "Answer with tool calls, or say that no tool fits."


def main() -> None:
    options = _options()
    config = EngineConfig(max_model_len=384, kv_cache_gb=options.kv_cache_gb)
    model, load = resolve_model(options.model, options.cache), os.getloadavg()[0]
    requests = [requests_of(repeat, options) for repeat in range(options.repeats + 1)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def ours(engine: Waiting, repeat: int) -> int:
            path = folder / f"{repeat}.jsonl"
            rows = complete_to_file(lambda: engine, requests[repeat], path, stage="bench", what="generation")
            return sum(len(row.tokens) for row in rows)

        runs = against_raw(config, model, folder, options.repeats, ours=ours, requests=lambda repeat: requests[repeat])
    found = {**summary(runs), "load": load, "prompts": options.prompts, "samples": options.samples}
    keep(found, options.out)
    print(f"generation: {words(found)}; {load:.1f} busy processes at the start")


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


if __name__ == "__main__":
    main()
