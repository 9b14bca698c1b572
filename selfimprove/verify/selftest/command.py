"""`selfimprove verify --self-test`: the verifier tested on labelled problems, the seeds or a user's own.

    print(run_command(RULES, None, None, SelfTest()))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from selfimprove.config.model import Data
from selfimprove.config.model import SelfTest as Limits
from selfimprove.errors import DataError, VerifyError
from selfimprove.records import Sample, SelfTest
from selfimprove.store import jsonl
from selfimprove.tools.data import load_data
from selfimprove.tools.pool import read_samples
from selfimprove.verify.row import verify_row
from selfimprove.verify.selftest.measure import self_test
from selfimprove.verify.selftest.stage import LIMITS, above_limits
from selfimprove.verify.selftest.truth import truths


def run_command(layers: Sequence[str], problems: Path | None, out: Path | None, limits: Limits) -> str:
    """The report. `problems`: a file of labelled problems (None: the seeds); `out`: where the cases of error go.

    Raises VerifyError above a limit, after `out` is written; DataError for a file without a problem that can be used.
    """
    known = truths(read_samples(problems) if problems else _seeds(), limits.truths)
    if not known:
        raise DataError(f"{problems}: holds no labelled problem whose calls fit their tools; give at least one")
    tested = self_test(partial(verify_row, layers=layers), known, layers)
    if out:
        jsonl.write(out, list(tested.faults))
    if above := above_limits(tested, limits):
        where = f"the cases are in {out}" if out else "--out FILE writes the cases"
        raise VerifyError(f"{report(tested, limits)}\nthe verifier failed its self-test: {'; '.join(above)}; {where}")
    return f"{report(tested, limits)}\nPassed: every rate is within its limit."


def _seeds() -> list[Sample]:
    data = load_data(Data())
    return [*data.bootstrap, *data.curriculum]


def report(tested: SelfTest, limits: Limits) -> str:
    """A line a rate with its limit, and below it the kinds on which the verifier erred."""
    lines = [f"{tested.cases} cases made from {tested.truths} labelled problems; errors, with 95 % intervals:"]
    for name, rate in tested.rates.items():
        interval = f"({rate.low:.1%} to {rate.high:.1%})"
        lines.append(f"  {name:<31}{rate.correct:>5} of {rate.n:<6}{rate.accuracy:>6.1%} {interval:<18}{_note(name, limits)}")
        wrong = {kind: one for kind, one in tested.kinds[name].items() if one.correct}
        lines += [f"    {kind:<29}{one.correct:>5} of {one.n}" for kind, one in wrong.items()]
    return "\n".join(lines)


def _note(name: str, limits: Limits) -> str:
    if name not in LIMITS:
        return "no limit: only a reference can tell"
    return f"at most {getattr(limits, LIMITS[name]):.1%} (selftest.{LIMITS[name]})"
