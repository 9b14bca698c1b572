"""Evaluate: greedy answers to fixed suites, and paired comparison of two models on the same items."""

from selfimprove.evaluate.decide import run_decide, run_first, run_rejected, stored_scores
from selfimprove.evaluate.stage import evaluate_final, evaluate_models

__all__ = ["evaluate_final", "evaluate_models", "run_decide", "run_first", "run_rejected", "stored_scores"]
