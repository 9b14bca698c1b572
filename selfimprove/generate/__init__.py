"""Generate: what the champion makes in a round - tool lists, requests, and k answers to every problem.

    plan -> proposals (tool lists, requests) -> problems -> attempts
"""

from selfimprove.generate.stage import run

__all__ = ["run"]
