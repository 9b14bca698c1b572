"""The test of the verifier: it finds every fault that is planted, and the published table is what it measures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from selfimprove.config.model import Config, Data, Run
from selfimprove.config.model import SelfTest as Limits
from selfimprove.errors import VerifyError
from selfimprove.records import SelfTest
from selfimprove.store.layout import Layout
from selfimprove.store.round import freeze
from selfimprove.tools.data import load_data
from selfimprove.verify.row import verify_row
from selfimprove.verify.selftest import measure, self_test, stage, truths
from selfimprove.verify.selftest.attack import ATTACKS
from selfimprove.verify.selftest.mutate import MUTATIONS
from selfimprove.verify.selftest.rewrite import REWRITINGS
from selfimprove.verify.selftest.truth import Truth

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")
Row = dict[str, Any]


@cache
def known(count: int = 60) -> list[Truth]:
    data = load_data(Data())
    return truths([*data.bootstrap, *data.curriculum], count)


@cache
def tested() -> SelfTest:
    return self_test(verify_row, known())


def test_the_verifier_rejects_no_right_answer_however_it_is_written() -> None:
    rates = tested().rates
    assert rates["right-rejected"].n > 300 and rates["right-rejected"].correct == 0, tested().faults
    assert rates["right-refused-with-reference"].n > 300 and rates["right-refused-with-reference"].correct == 0
    assert rates["right-unknown"].accuracy <= 0.2


def test_the_verifier_accepts_no_wrong_answer_that_can_be_seen() -> None:
    rates = tested().rates
    assert rates["wrong-accepted"].n > 300 and rates["wrong-accepted"].correct == 0, tested().faults
    assert rates["wrong-accepted-with-reference"].n > 400 and rates["wrong-accepted-with-reference"].correct == 0


def test_not_one_of_a_thousand_attacks_is_accepted() -> None:
    attacks = tested().rates["attacks"]
    assert attacks.n >= 1000 and attacks.correct == 0, tested().faults
    assert len(tested().kinds["attacks"]) >= 13
    assert all(rate.n >= 20 for rate in tested().kinds["attacks"].values())


@pytest.mark.parametrize("kind", [k for k, m in MUTATIONS.items() if m.layer])
def test_every_kind_that_is_called_detectable_has_cases(kind: str) -> None:
    assert kind in tested().kinds["wrong-accepted"] and tested().kinds["wrong-accepted"][kind].n > 0


def test_the_published_table_is_the_code() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([a-z ]+) \|$", DOCUMENT, re.MULTILINE))
    own = {k: m.layer or "only a reference" for k, m in MUTATIONS.items()}
    own |= {"no-call": "structure", "declined": "structure", "call-where-none-is-right": "only a reference"}
    assert {k: v for k, v in rows.items() if k not in ATTACKS} == own
    for name in (*ATTACKS, *(name for name in REWRITINGS if not name.startswith("syntax-")), measure.ABSTAINS):
        assert f"`{name}`" in DOCUMENT, name


def faulty(change: Callable[[Row, Row], str | None]) -> Callable[[Row], Row]:
    """The verifier with one fault: `change` sees the row and the verdict, and says another."""

    def verify(row: Row) -> Row:
        out = verify_row(row)
        return {**out, "verdict": change(row, out) or out["verdict"]}

    return verify


@pytest.mark.parametrize(
    ("fault", "rate"),
    [
        (lambda row, out: "accepted" if "accepted" in row["candidate"] else None, "attacks"),
        (lambda row, out: "accepted" if out["reasons"] == ["empty"] else None, "attacks"),
        (lambda row, out: "accepted" if "hidden-characters" in out["reasons"] else None, "attacks"),
        (lambda row, out: "accepted" if "unclosed-call" in out["reasons"] else None, "attacks"),
        (lambda row, out: "accepted" if "missing-argument" in str(out["reasons"]) else None, "wrong-accepted"),
        (lambda row, out: "accepted" if out["layer"] == "tool" else None, "wrong-accepted"),
        (lambda row, out: "accepted" if out["layer"] == "grounding" and out["calls"] else None, "wrong-accepted"),
        (lambda row, out: "accepted" if "wrong-value" in str(out["reasons"]) else None, "wrong-accepted-with-reference"),
        (lambda row, out: "accepted" if "wrong-count" in out["reasons"] else None, "wrong-accepted-with-reference"),
        (lambda row, out: "rejected" if "```" in row["candidate"] else None, "right-rejected"),
        (lambda row, out: "rejected" if re.search(r"\de0", row["candidate"]) else None, "right-rejected"),
        (lambda row, out: "unknown" if "\\u0" in row["candidate"] else None, "right-refused-with-reference"),
        (lambda row, out: "unknown" if out["calls"] else None, "right-unknown"),
    ],
)  # fmt: skip
def test_a_fault_planted_in_the_verifier_is_found(fault: Callable[[Row, Row], str | None], rate: str) -> None:
    found = self_test(faulty(fault), known(40))
    assert found.rates[rate].correct > tested().rates[rate].correct
    assert stage.above_limits(found, Limits(wrong_accepted=0, right_rejected=0)) != []


def test_a_layer_that_is_off_makes_its_kinds_unseen_and_not_faults() -> None:
    layers = ("sanitise", "structure", "tool", "definition", "arguments")
    found = self_test(lambda row: verify_row(row, layers=layers), known(30), layers)
    assert found.rates["wrong-accepted"].correct == 0 and found.rates["attacks"].correct == 0
    assert found.kinds["wrong-accepted-unseen"]["invented-text"].correct > 0


def test_the_same_truths_give_the_same_cases() -> None:
    one, two = [[t.row for t in measure.trials(known(10))] for _ in range(2)]
    assert json.dumps(one) == json.dumps(two)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(run=Run(folder=tmp_path, name="r"), selftest=Limits(truths=12))


def test_a_round_goes_on_after_a_good_self_test_and_keeps_its_rates(config: Config) -> None:
    round_ = freeze(Layout.of(config.run.folder, "r"), 1, config)
    ref = stage.run(round_)
    assert ref.counts["attacks"] == 0 and ref.counts["attacks_of"] > 100
    assert SelfTest.model_validate_json((ref.path / "selftest.json").read_text()).rates["attacks"].n == ref.counts["attacks_of"]
    assert stage.run(round_) == ref


def test_a_round_stops_before_it_trains_when_the_verifier_errs(config: Config) -> None:
    """Grounding switched off while the limit on what is unseen stays: here, a limit that no verifier meets."""
    found = self_test(faulty(lambda row, out: "accepted"), known(8))
    sentences = stage.above_limits(found, config.selftest)
    assert any(s.startswith("attacks is 100.0%") and "selftest.attacks allows 0.0%" in s for s in sentences)
    strict = config.model_copy(update={"verify": config.verify.model_copy(update={"layers": ("structure", "agreement")})})
    round_ = freeze(Layout.of(config.run.folder, "r"), 1, strict.model_copy(update={"selftest": Limits(truths=12, right_rejected=0)}))
    ref = stage.run(round_)
    assert ref.counts["wrong_accepted_unseen"] > 0


def test_problems_whose_labels_break_their_own_schema_are_no_truths() -> None:
    data = load_data(Data())
    sample = next(s for s in data.bootstrap if s.answer and s.answer.calls)
    assert sample.answer
    broken = sample.answer.calls[0].model_copy(update={"arguments": {"no_such_argument": 1}})
    assert truths([sample.model_copy(update={"answer": sample.answer.model_copy(update={"calls": (broken,)})})], 5) == []


def test_no_rate_is_claimed_from_no_cases() -> None:
    nothing = self_test(verify_row, [])
    assert nothing.rates == {} and stage.above_limits(nothing, Limits()) == []
    assert (measure.wilson(0, 0).low, measure.wilson(0, 0).high) == (0.0, 1.0)
    assert measure.wilson(81, 263).low == pytest.approx(0.2553, abs=1e-4)


def test_verify_error_is_one_sentence(config: Config) -> None:
    assert issubclass(VerifyError, Exception)
