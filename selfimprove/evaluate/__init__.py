"""Evaluate: greedy answers to fixed suites, paired comparison of two models on the same items, and the gate.

`measure` is the one path from a model and suites to outputs and results; `score` says what is right, `gate` what is adopted.
"""

from selfimprove.evaluate.check import check_gold, hopeless
from selfimprove.evaluate.decide import run_decide, run_first, run_rejected
from selfimprove.evaluate.measure import Job, measure
from selfimprove.evaluate.stage import evaluate_final, evaluate_models, first_items

__all__ = [
    "Job", "check_gold", "evaluate_final", "evaluate_models", "first_items", "hopeless", "measure", "run_decide", "run_first",
    "run_rejected",
]  # fmt: skip
