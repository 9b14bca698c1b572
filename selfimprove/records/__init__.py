"""The nouns of the project, as frozen Pydantic records. No behaviour beyond validation and identity.

    from selfimprove.records import Answer, Call, Sample, Tool
"""

from selfimprove.records.admissible import AdmissibleCall, Values
from selfimprove.records.attempt import Attempt, Verdict
from selfimprove.records.base import Record
from selfimprove.records.call import Answer, Call
from selfimprove.records.judged import Checked, Judged, Judgement
from selfimprove.records.keys import canonical_json, derive_seed, digest
from selfimprove.records.message import Completion, Message, Request
from selfimprove.records.plan import Drawn, Plan, Proposal
from selfimprove.records.sample import Kind, Sample
from selfimprove.records.score import (
    CategoryComparison,
    Compared,
    Comparison,
    Decision,
    MadeTools,
    Output,
    Overlap,
    Rate,
    Results,
)
from selfimprove.records.selftest import Fault, SelfTest
from selfimprove.records.stage import StageRef
from selfimprove.records.suite import SuiteItem
from selfimprove.records.tool import Tool
from selfimprove.records.training import Row, Subtask

__all__ = [
    "AdmissibleCall", "Answer", "Attempt", "Call", "CategoryComparison", "Checked", "Compared", "Comparison", "Completion",
    "Decision", "Drawn", "Fault", "Judged", "Judgement", "Kind", "MadeTools", "Message", "Output", "Overlap", "Plan",
    "Proposal", "Rate", "Record", "Request", "Results", "Row", "Sample", "SelfTest", "StageRef", "Subtask", "SuiteItem", "Tool",
    "Values", "Verdict", "canonical_json", "derive_seed", "digest",
]  # fmt: skip
