"""TRL's SFTTrainer as its documentation sets it up, over rows that are tokenised already. Runs in an environment of its own.

    PYTHON benchmarks/_trl.py MODEL ROWS OUT.json full|lora BATCH checkpointing|plain

Prints nothing of its own; OUT.json holds seconds and processor seconds (from the first step's beginning to the last one's end),
supervised tokens, tokens and the most resident memory in GB. All settings are TRL's defaults but for what the comparison fixes:
float32, the rows of a step, one pass over the rows, no files.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def main() -> None:
    model, rows, out, method, batch, memory = sys.argv[1:]
    from datasets import load_from_disk
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        began = ended = (0.0, 0.0)

        def on_train_begin(self, *_: object, **__: object) -> None:
            self.began = time.monotonic(), time.process_time()

        def on_train_end(self, *_: object, **__: object) -> None:
            self.ended = time.monotonic(), time.process_time()

    kept = load_from_disk(rows)
    dataset = kept.map(
        lambda row: {"labels": [-100] * row["first_supervised"] + row["input_ids"][row["first_supervised"] :]},
        remove_columns=[name for name in kept.column_names if name != "input_ids"],
    )
    settings = SFTConfig(
        output_dir=str(Path(out).with_suffix("")), per_device_train_batch_size=int(batch), num_train_epochs=1, bf16=False,
        use_cpu=True, report_to="none", save_strategy="no", gradient_checkpointing=memory == "checkpointing",
    )  # fmt: skip
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    clock = Clock()
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(model, dtype="float32"), args=settings, train_dataset=dataset,
        callbacks=[clock], peft_config=lora if method == "lora" else None,
    )  # fmt: skip
    trainer.train()
    Path(out).write_text(json.dumps({
        "seconds": clock.ended[0] - clock.began[0], "cpu_seconds": clock.ended[1] - clock.began[1], "tokens": sum(kept["length"]),
        "supervised_tokens": sum(row["length"] - row["first_supervised"] for row in kept),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
