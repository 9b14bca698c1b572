"""A step of every round, before anything is generated: the verifier's own test. Above its limits the round stops here.

Writes selftest.json (the rates) and faults.jsonl (the cases on which the verifier erred). A self-test that failed leaves no
manifest, so the next start of the run tests again.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from selfimprove.chat import PARSER_VERSION
from selfimprove.config.model import Config
from selfimprove.config.model import SelfTest as Limits
from selfimprove.errors import VerifyError
from selfimprove.records import SelfTest, StageRef
from selfimprove.store import jsonl
from selfimprove.store.layout import write_json
from selfimprove.store.round import Round
from selfimprove.tools.data import RunData, load_data
from selfimprove.verify.judging import is_on, judged, of_row, pinned
from selfimprove.verify.row import verify_row
from selfimprove.verify.selftest.measure import Second, self_test
from selfimprove.verify.selftest.truth import truths

LIMITS = {
    "attacks": "attacks", "wrong-accepted": "wrong_accepted", "wrong-accepted-with-reference": "wrong_accepted",
    "right-rejected": "right_rejected", "right-refused-with-reference": "right_rejected", "right-unknown": "right_unknown",
}  # fmt: skip
"""Rate -> the setting under `selftest` that limits it. What only a reference can tell has no limit."""


def run(round_: Round) -> StageRef:
    """Raises VerifyError when a rate is above its limit."""
    config, data = round_.config, load_data(round_.config.data)
    inputs = {
        "verify": config.verify.model_dump(mode="json"), "selftest": config.selftest.model_dump(mode="json"),
        "data": data.digest("bootstrap", "curriculum"), "parser": PARSER_VERSION, **pinned(round_),
    }  # fmt: skip
    with round_.stage("selftest", inputs) as stage:
        if stage.finished:
            return stage.finished
        tested = measure_verifier(config, data, partial(_judged, round_, stage.path) if is_on(config) else None)
        write_json(stage.path / "selftest.json", tested.model_dump(mode="json", exclude={"faults"}))
        jsonl.write(stage.path / "faults.jsonl", list(tested.faults))
        if above := above_limits(tested, config.selftest):
            raise VerifyError(f"the verifier failed its self-test, so round {round_.number} stops before it begins: "
                              f"{'; '.join(above)}; the cases are in {stage.path / 'faults.jsonl'}")  # fmt: skip
        return stage.close(counts(tested))


def measure_verifier(config: Config, data: RunData, second: Second | None = None) -> SelfTest:
    """The layers that are on, tested on the labelled problems of the training parts."""
    layers = config.verify.layers
    known = truths([*data.bootstrap, *data.curriculum], config.selftest.truths)
    return self_test(partial(verify_row, layers=layers), known, layers, second=second)


def _judged(round_: Round, folder: Path, cases: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
    """The verdicts after the judge, which is asked about the same cases as in the round."""
    asked = [question for i, (row, out) in enumerate(cases) if (question := of_row(row, out, str(i)))]
    said = judged(round_, folder, asked, "selftest")
    return [{**out, "verdict": said[str(i)].status} if str(i) in said else out for i, (_, out) in enumerate(cases)]


def above_limits(tested: SelfTest, limits: Limits) -> list[str]:
    """A phrase for each rate that is above its limit."""
    return [
        f"{name} is {rate.accuracy:.1%} ({rate.correct} of {rate.n}), and selftest.{LIMITS[name]} allows {limit:.1%}"
        for name, rate in tested.rates.items()
        if name in LIMITS and rate.n and rate.accuracy > (limit := getattr(limits, LIMITS[name]))
    ]


def counts(tested: SelfTest) -> dict[str, float]:
    """`RATE` errors of `RATE_of` cases."""
    found: dict[str, float] = {"truths": tested.truths, "cases": tested.cases}
    for name, rate in tested.rates.items():
        found |= {name.replace("-", "_"): rate.correct, f"{name.replace('-', '_')}_of": rate.n}
    return found
