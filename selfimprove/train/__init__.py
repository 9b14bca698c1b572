"""Training rows -> a new model directory, by DeepSpeed in processes of its own.

    counts = train(model, rows, out, config.train, max_tokens=256, learning_rate=1e-4, seed=7, metadata={"round": 0})

`launch` runs in the caller's process and loads nothing heavy; `worker`, `rows`, `loss` and `export` run in the ranks.
What this is not: the choice of what to train (`selfimprove.select`) or whether the result is adopted.
"""

from selfimprove.train.launch import train

__all__ = ["train"]
