"""tokens/s of a whole evaluation over raw vLLM on the same prompts (target 0.95), and the share around the engine (at most 5 %).

    python -m benchmarks.evaluation [--model embedded] [--items 116] [--repeats 3] [--out FILE.json]

Ours is `selfimprove.evaluate.measure`: the gold check, prompts, the smoke item, streaming to disk, parsing, scoring, intervals,
files. 116 items, as in the demo: the smoke item is asked alone, and weighs more among fewer. Raw: see `benchmarks/_raw.py`.
"Around the engine" is the share of the seconds in which no completion is awaited.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks._raw import Waiting, against_raw, keep, summary, words
from selfimprove.config.model import Engine as EngineConfig
from selfimprove.evaluate import Job, first_items, measure
from selfimprove.evaluate.measure import request_of
from selfimprove.models import model_digest, resolve_model
from selfimprove.store.champion import Model
from selfimprove.tools.registry import find_suite
from selfimprove.tools.suite import Suite

MAX_TOKENS = 48


def main() -> None:
    options = _options()
    config = EngineConfig(max_model_len=512, kv_cache_gb=options.kv_cache_gb)
    path, load = resolve_model(options.model, options.cache).resolve(), os.getloadavg()[0]
    job = Job(Model(name="bench", path=path, digest=model_digest(path)), config, MAX_TOKENS)
    suites = [suite_of(repeat, options.repeats, options.items) for repeat in range(options.repeats + 1)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def ours(engine: Waiting, repeat: int) -> int:
            suite = suites[repeat]
            results = measure(job, {suite.name: suite}, folder / str(repeat), "bench", engine=engine)[suite.name]
            return round(results.mean_tokens * results.n)

        runs = against_raw(
            config, path, folder, options.repeats, ours=ours,
            requests=lambda repeat: [request_of(suites[repeat].name, item, MAX_TOKENS) for item in suites[repeat].items],
        )  # fmt: skip
    found = {**summary(runs), "load": load, "items": options.items}
    keep(found, options.out)
    print(
        f"evaluation: {words(found)}; around the engine {found['around']:.1%} of the time (target: at most 5 %); "
        f"{load:.1f} busy processes at the start"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="tokens/s of an evaluation over raw vLLM")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--items", type=int, default=116)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kv-cache-gb", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def suite_of(repeat: int, repeats: int, count: int) -> Suite:
    """Other items in each repeat, categories in their shares, so that no prompt is cached. In repeat 0 two warm up."""
    items = find_suite("gate", Path("runs")).items + find_suite("test", Path("runs")).items
    return Suite(f"bench{repeat}", tuple(first_items(items[repeat :: repeats + 1], "bench", count if repeat else 2)))


if __name__ == "__main__":
    main()
