"""Training on a GPU, in bfloat16 at length 2,048: tokens/s, share of the card's matrix peak, memory. Needs an NVIDIA GPU.

    python -m benchmarks.training_gpu [--model embedded] [--tokens 2048] [--steps 12] [--peak TFLOPS] [--out FILE.json]

Rows are words of the demo's seeds, cut so that each has about so many tokens; a quarter of them is supervised. The first steps
warm up and are not counted. Work of a token: 6 for each weight that it meets (Kaplan et al. 2020, section 2.1), 6 x layers x
width x tokens for causal attention; the output layer counts for supervised tokens only, since only those meet it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

from benchmarks.training import ROOT
from selfimprove.config.model import Train
from selfimprove.models import resolve_model
from selfimprove.train import train
from selfimprove.train.source import Source, source

CONFIG = Train(batch=32, micro_batch=8, epochs=1.0, dtype="bfloat16", checkpoint_minutes=0)
WARM_UP = 2
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10": 125e12}
"""Dense bfloat16 products a second by the vendor's data sheets; the first name that occurs in the card's counts."""


def main() -> None:
    options = _options()
    if not shutil.which("nvidia-smi"):
        sys.exit("training_gpu: there is no NVIDIA GPU here; benchmarks.training measures on a CPU")
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    card = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    peak = options.peak * 1e12 or next((value for name, value in PEAKS.items() if name in card), 0.0)
    model = resolve_model(options.model, options.cache)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out"
        rows = _rows(model, Path(temporary) / "rows.jsonl", options.tokens, options.steps * CONFIG.batch)
        counts = train(model, rows, out, CONFIG, max_tokens=options.tokens + 64, learning_rate=2e-5, seed=7)
        steps = [json.loads(line) for line in (out / "train.jsonl").read_text(encoding="utf-8").splitlines()][WARM_UP:]
    tokens, supervised, seconds = (sum(step[name] for step in steps) for name in ("tokens", "supervised_tokens", "seconds"))
    work = _work(source(model), tokens, supervised, options.tokens) / seconds
    share = f", {100 * work / peak:.0f} % of the {peak / 1e12:.0f} TFLOP/s of one {card}" if peak else f" on one {card}"
    print(
        f"training, bfloat16, length {options.tokens}: {tokens / seconds:,.0f} tokens/s, {work / 1e12:.0f} TFLOP/s{share}, "
        f"{counts['peak_gb']:.1f} GB"
    )
    if options.out:
        found = {"card": card, "tokens_per_second": tokens / seconds, "flops": work, "peak": peak, "steps": steps}
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the trainer on a GPU")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--cache", type=Path, default=Path("runs/models"))
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--peak", type=float, default=0.0, help="TFLOP/s of a card that is not known here")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _rows(model: Path, file: Path, tokens: int, count: int) -> Path:
    from selfimprove.chat.render import load_tokenizer

    tokenizer = load_tokenizer(model)
    seeds = sorted((ROOT / "configs" / "seeds").glob("*.jsonl"))
    words = cycle(" ".join(seed.read_text(encoding="utf-8") for seed in seeds).split())
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            ids = tokenizer(" ".join(islice(words, tokens)))["input_ids"][: tokens - 48]
            question, answer = tokenizer.decode(ids[: tokens * 3 // 4]), tokenizer.decode(ids[tokens * 3 // 4 :])
            row = {"id": f"r{number}", "subtask": "use", "messages": [{"role": "user", "content": question}], "target": answer}
            out.write(json.dumps(row) + "\n")
    return file


def _work(model: Source, tokens: int, supervised: int, length: int) -> float:
    """Floating-point operations of forward and backward passes together."""
    head = model.hidden * model.vocabulary
    return 6.0 * ((model.parameters - head) * tokens + head * supervised + model.layers * model.hidden * length * tokens)


if __name__ == "__main__":
    main()
