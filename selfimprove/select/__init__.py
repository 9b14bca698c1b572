"""Select: what the champion can learn from next, and how much of each kind.

Difficulty is relative to the current model (ToolACE-R): c of k sampled answers right. Mastered problems are replayed a little,
learnable ones trained, out-of-reach ones rest until they are scored again.
"""

from selfimprove.select.stage import run, run_bootstrap, run_control

__all__ = ["run", "run_bootstrap", "run_control"]
