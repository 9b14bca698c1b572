"""Verify: which attempts are right, layer by layer, cheap to dear, any veto ends the check.

    structure -> tool -> arguments -> grounding -> coverage -> agreement (no gold) or reference (gold)
"""

from selfimprove.verify.stage import run

__all__ = ["run"]
