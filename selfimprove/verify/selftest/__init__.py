"""The test of the verifier itself: what must pass, what must not, and how often it errs.

    truth     answers known to be right         rewrite   forms in which they must pass
    mutate    wrong answers of every sort       attack    answers made to fool a verifier
    measure   the rates, with intervals         stage     a step of every round, which stops it above the limits
"""

from selfimprove.verify.selftest.measure import self_test
from selfimprove.verify.selftest.truth import Truth, truths

__all__ = ["Truth", "self_test", "truths"]
