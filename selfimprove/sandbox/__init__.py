"""Run tool calls in a limited child interpreter: `run_calls` and its `Result`. See `runner.py`."""

from selfimprove.sandbox.runner import Result, run_calls

__all__ = ["Result", "run_calls"]
