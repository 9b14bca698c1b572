"""Training: supervised tokens/s and memory over TRL's SFTTrainer, each part's worth, and ZeRO-3 in two processes.

    python -m benchmarks.training [--trl PYTHON] [--parts trl,parts,zero3] [--methods full,lora] [--model embedded]
                                  [--rows 40] [--against 0,1,2] [--repeats 1] [--out FILE.json]

The demo's rows, in float32, 8 a step, one pass, AdamW; one training after the other, ours and TRL's in turn where they are
repeated: the median of the ratios counts, and the largest memory of each. Speed is per second of the
cores' time (processor time by the number of cores), so that what else runs here decides nothing, and of the optimizer's loop:
loading is on no clock. TRL runs as its documentation sets it up, which recomputes activations, and again
without that; ours as in the demo is compared with the first, and ours under the same setting with each. Targets: 3 times the
speed, 0.6 of the memory, as in the demo.

TRL needs an environment of its own; PYTHON is its interpreter (or TRL_PYTHON in the environment):

    python3 -m venv trl
    trl/bin/pip install torch==2.13.0 transformers==5.19.0 datasets==5.2.0 accelerate==1.15.0 peft==0.21.2 trl==1.16.0
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from selfimprove.config import load
from selfimprove.config.model import Train
from selfimprove.models import resolve_model
from selfimprove.records import Row, derive_seed
from selfimprove.select.stage import run_bootstrap
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout
from selfimprove.store.round import freeze
from selfimprove.train import train
from selfimprove.train.spec import Part

ROOT = Path(__file__).resolve().parent.parent
OURS = Train(batch=8, micro_batch=2, epochs=1.0, dtype="float32", zero_stage=0, checkpoint_minutes=0)
ARGUMENTS: dict[str, Any] = {"max_tokens": 288, "learning_rate": 2e-5, "seed": 7}
OFF: tuple[Part, ...] = ("shared-beginnings", "packing", "buckets", "selective-logits")
STEPS_OFF = tuple(OFF[:count] for count in range(len(OFF) + 1))
CORES = len(os.sched_getaffinity(0))
AGAINST: tuple[tuple[str, Any, str], ...] = (
    ("as in the demo, TRL as documented", "auto", "checkpointing"),
    ("recomputed, on both sides", True, "checkpointing"),
    ("kept, on both sides", False, "plain"),
)
"""What is said of it, our `gradient_checkpointing`, and TRL's."""
Run = dict[str, float]


def main() -> None:
    options = _options()
    model = resolve_model(options.model, options.cache)
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": CORES, "rows": options.rows}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = _rows(folder, options.rows)
        found["full"] = _ours(model, rows, folder / "full", OURS)
        print(f"training, ours: {speed(found['full']):.1f} supervised tokens/s, {found['full']['peak_gb']:.1f} GB", flush=True)
        if "trl" in options.parts:
            found |= _against_trl(model, rows, folder, options, found["full"])
        if "parts" in options.parts:
            found |= _parts(model, rows, folder)
        if "zero3" in options.parts:
            found |= _zero3(model, rows, folder, found["full"])
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="our trainer over TRL's, and over itself without its parts")
    parser.add_argument("--trl", default=os.environ.get("TRL_PYTHON", ""), help="interpreter of an environment with TRL")
    parser.add_argument("--parts", default="trl,parts,zero3", type=lambda text: text.split(","))
    parser.add_argument("--methods", default="full,lora", type=lambda text: text.split(","))
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--against", default="0,1,2", type=lambda text: [int(one) for one in text.split(",")], help="of AGAINST")
    parser.add_argument("--repeats", type=int, default=1, help="of each comparison with TRL")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _rows(folder: Path, count: int) -> Path:
    """A draw of the rows that the demo's bootstrap trains."""
    config = load([ROOT / "configs" / "demo.yaml"]).value
    made = run_bootstrap(freeze(Layout.of(folder, "bench"), 0, config)).path / "rows.jsonl"
    chosen = sorted(jsonl.read(made, Row), key=lambda row: derive_seed("bench", row.id))[:count]
    (folder / "rows.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in chosen), encoding="utf-8")
    return folder / "rows.jsonl"


def _ours(model: Path, rows: Path, out: Path, config: Train, without: tuple[Part, ...] = ()) -> Run:
    return train(model, rows, out, config, without=without, **ARGUMENTS)


def _against_trl(model: Path, rows: Path, folder: Path, options: argparse.Namespace, full: Run) -> dict[str, Any]:
    if not options.trl:
        print("training: TRL was left out; name the interpreter of its environment with --trl (python -m benchmarks.training -h)")
        return {}
    found: dict[str, Any] = {}
    runs: dict[str, Run] = {}
    for method, (said, kept, memory) in product(options.methods, [AGAINST[i] for i in options.against]):
        name = f"{method}-{said.split(',')[0]}"
        change = OURS.model_copy(update={"method": method, "gradient_checkpointing": kept})
        pairs: list[tuple[Run, Run]] = []
        for turn in range(options.repeats):
            mine = full if turn == 0 and change == OURS else _ours(model, rows, folder / f"{name}-{turn}", change)
            theirs = runs.get(method + memory) if options.repeats == 1 else None
            theirs = theirs or _trl(options.trl, model, folder, method, memory)
            runs[method + memory] = theirs
            pairs.append((mine, theirs))
        ratios = [speed(mine) / speed(theirs) for mine, theirs in pairs]
        mine, theirs = (max(side, key=lambda run: run["peak_gb"]) for side in zip(*pairs, strict=True))
        ratio, memory_ratio = median(ratios), mine["peak_gb"] / theirs["peak_gb"]
        found[name] = {"runs": pairs, "ratio": ratio, "memory": memory_ratio}
        each = ", ".join(f"{one:.2f}" for one in ratios)
        print(
            f"training, {method}, {said}: {ratio:.2f} times TRL ({each}; supervised tokens/s "
            f"{' '.join(f'{speed(a):.1f}/{speed(b):.1f}' for a, b in pairs)}; by the clock "
            f"{median(b['seconds'] / a['seconds'] for a, b in pairs):.2f}; target 3), {memory_ratio:.3f} of its memory "
            f"({mine['peak_gb']:.2f} over {theirs['peak_gb']:.2f} GB; target 0.6)",
            flush=True,
        )
    return found


def _trl(python: str, model: Path, folder: Path, method: str, memory: str) -> Run:
    """Over the very tokens that ours was trained on."""
    out = folder / f"trl-{method}-{memory}.json"
    script = Path(__file__).with_name("_trl.py")
    words = [python, str(script), str(model), str(folder / "full" / "rows"), str(out), method, str(OURS.batch), memory]
    threads = str(CORES)
    # Waiting threads sleep, as ours do: their spinning would count as processor time.
    quiet = {
        "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": "",
    }  # fmt: skip
    done = subprocess.run(words, env={**os.environ, **quiet}, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(f"TRL ended with code {done.returncode}:\n{done.stderr[-2000:]}")
    return dict(json.loads(out.read_text(encoding="utf-8")))


def _parts(model: Path, rows: Path, folder: Path) -> dict[str, Any]:
    """From all parts down to none: each line says what the next part is worth."""
    found, before = {}, 0.0
    for off in STEPS_OFF:
        name = f"without {', '.join(off)}" if off else "with shared beginnings, packing, buckets and selective logits"
        run = _ours(model, rows, folder / f"off-{len(off)}", OURS, off)
        found[name] = run
        worth = f", {before / speed(run):.2f} times slower than the line above" if before else ""
        print(f"training, {name}: {speed(run):.1f} supervised tokens/s, {run['peak_gb']:.1f} GB{worth}", flush=True)
        before = speed(run)
    return {"parts": found}


def _zero3(model: Path, rows: Path, folder: Path, full: Run) -> dict[str, Any]:
    split = OURS.model_copy(update={"processes": 2, "zero_stage": 3})
    run, one, two = _ours(model, rows, folder / "two", split), _losses(folder / "full"), _losses(folder / "two")
    apart = max(abs(a - b) for a, b in zip(one, two, strict=True))
    print(
        f"training, ZeRO-3 in 2 processes: losses of {len(two)} steps within {apart:.1e} of one process's (target 1e-5), "
        f"{run['peak_gb']:.1f} and {run['peak_gb_rank_1']:.1f} GB (one process: {full['peak_gb']:.1f})"
    )
    return {"zero3": {**run, "apart": apart}}


def _losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()]


def speed(run: Run) -> float:
    """Supervised tokens a second that all cores spend on it; two processes share the cores."""
    return run["supervised_tokens"] / (run["cpu_seconds"] / CORES)


if __name__ == "__main__":
    main()
