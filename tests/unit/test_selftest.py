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
from selfimprove.errors import DataError, VerifyError
from selfimprove.records import Call, SelfTest, Tool
from selfimprove.store import jsonl
from selfimprove.store.layout import Layout
from selfimprove.store.round import freeze
from selfimprove.tools.data import load_data
from selfimprove.verify.row import verify_row
from selfimprove.verify.selftest import measure, self_test, stage, truths
from selfimprove.verify.selftest.attack import ATTACKS
from selfimprove.verify.selftest.command import run_command
from selfimprove.verify.selftest.mutate import MUTATIONS
from selfimprove.verify.selftest.rewrite import REWRITINGS
from selfimprove.verify.selftest.truth import Truth

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "verification.md").read_text(encoding="utf-8")
Row = dict[str, Any]


@cache
def known(count: int = 60) -> list[Truth]:
    data = load_data(Data())
    return truths([*data.bootstrap, *data.curriculum], count)


LEVEL = {"type": "integer", "minimum": 0, "maximum": 100}
RANGED = Truth(
    id="ranged", query="Set the lamp to 40 and the fan to 60.",
    tools=(Tool(name="set_level", description="Set the level of a device.", parameters={
        "type": "object", "properties": {"device": {"type": "string"}, "level": LEVEL}, "required": ["device", "level"],
        "additionalProperties": False}),),
    calls=(Call(name="set_level", arguments={"device": "lamp", "level": 40}),
           Call(name="set_level", arguments={"device": "fan", "level": 60})),
)  # fmt: skip
"""The seeds' schemas have no bounds."""


@cache
def measured() -> SelfTest:
    return self_test(verify_row, [*known(), RANGED])


def test_the_verifier_rejects_no_right_answer_however_it_is_written() -> None:
    rates = measured().rates
    assert rates["right-rejected"].n > 300 and rates["right-rejected"].correct == 0, measured().faults
    assert rates["right-refused-with-reference"].n > 300 and rates["right-refused-with-reference"].correct == 0
    assert rates["right-unknown"].accuracy <= 0.2


def test_the_verifier_accepts_no_wrong_answer_that_can_be_seen() -> None:
    rates = measured().rates
    assert rates["wrong-accepted"].n > 300 and rates["wrong-accepted"].correct == 0, measured().faults
    assert rates["wrong-accepted-with-reference"].n > 400 and rates["wrong-accepted-with-reference"].correct == 0


def test_not_one_of_a_thousand_attacks_is_accepted() -> None:
    attacks = measured().rates["attacks"]
    assert attacks.n >= 1000 and attacks.correct == 0, measured().faults
    assert len(measured().kinds["attacks"]) >= 13
    assert all(rate.n >= 20 for rate in measured().kinds["attacks"].values())


@pytest.mark.parametrize("kind", [k for k, m in MUTATIONS.items() if m.layer])
def test_every_kind_that_is_called_detectable_has_cases(kind: str) -> None:
    assert kind in measured().kinds["wrong-accepted"] and measured().kinds["wrong-accepted"][kind].n > 0


def test_the_published_table_is_the_code() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([a-z ]+) \|$", DOCUMENT, re.MULTILINE))
    own = {k: m.layer or "only a reference" for k, m in MUTATIONS.items()}
    own |= {"no-call": "structure", "declined": "structure", "call-where-none-is-right": "only a reference"}
    assert {k: v for k, v in rows.items() if k not in ATTACKS} == own
    for name in (*ATTACKS, *(name for name in REWRITINGS if not name.startswith("syntax-")), measure.ABSTAINS):
        assert f"`{name}`" in DOCUMENT, name


@cache
def verdict(id_: str, candidate: str, row: str) -> Row:
    return verify_row(json.loads(row))


def faulty(change: Callable[[Row, Row], str | None]) -> Callable[[Row], Row]:
    """The verifier with one fault: `change` sees the row and the verdict, and says another."""

    def verify(row: Row) -> Row:
        out = verdict(row["id"], row["candidate"], json.dumps(row))
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
    assert found.rates[rate].correct > measured().rates[rate].correct
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


def test_a_round_stops_before_it_generates_when_the_verifier_errs(config: Config, tmp_path: Path) -> None:
    """Labels whose values nobody said stay unknown; the round says so, keeps the cases, and tests again the next time."""
    own = config.data.model_copy(update={"bootstrap": paraphrased(tmp_path), "curriculum": paraphrased(tmp_path / "other")})
    round_ = freeze(Layout.of(config.run.folder, "r"), 1, config.model_copy(update={"data": own}))
    for _ in range(2):
        with pytest.raises(VerifyError) as caught:
            stage.run(round_)
    assert "round 1 stops before it begins" in str(caught.value) and "selftest.right_unknown allows 20.0%" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (round_.path / "selftest" / "selftest.json").exists()
    assert not (round_.path / "selftest" / "manifest.json").exists()


def test_every_rate_that_has_a_limit_can_stop_a_round() -> None:
    found = self_test(faulty(lambda row, out: "accepted"), known(8))
    broken = self_test(faulty(lambda row, out: "rejected"), known(8))
    unsure = self_test(faulty(lambda row, out: "unknown"), known(8))
    named = {s.split(" is ")[0] for tested in (found, broken, unsure) for s in stage.above_limits(tested, Limits())}
    assert named == set(stage.LIMITS)


def test_problems_whose_labels_break_their_own_schema_are_no_truths() -> None:
    data = load_data(Data())
    sample = next(s for s in data.bootstrap if s.answer and s.answer.calls)
    assert sample.answer
    broken = sample.answer.calls[0].model_copy(update={"arguments": {"no_such_argument": 1}})
    assert truths([sample.model_copy(update={"answer": sample.answer.model_copy(update={"calls": (broken,)})})], 5) == []


def test_no_rate_is_claimed_from_no_cases() -> None:
    nothing = self_test(verify_row, [])
    assert nothing.rates == {} and stage.above_limits(nothing, Limits()) == []


def test_the_command_reports_every_rate_and_fails_above_a_limit(tmp_path: Path) -> None:
    rules = ("sanitise", "structure", "tool", "definition", "arguments", "grounding")
    text = run_command(rules, None, None, Limits(truths=10))
    assert all(name in text for name in ("attacks", "wrong-accepted", "right-rejected", "right-unknown"))
    faults = tmp_path / "faults.jsonl"
    with pytest.raises(VerifyError) as caught:
        # A limit that no verifier meets: what only grounding could not trace.
        run_command(rules, paraphrased(tmp_path), faults, Limits(truths=10, right_unknown=0))
    assert "right-unknown is 100.0%" in str(caught.value) and str(faults) in str(caught.value)
    assert faults.exists()


def paraphrased(folder: Path) -> Path:
    """Labelled problems whose values nobody said."""
    data = load_data(Data())
    samples = [s for s in data.bootstrap if s.kind == "single" and s.answer and any(
        isinstance(v, str) for c in s.answer.calls for v in c.arguments.values())][:4]  # fmt: skip
    unsaid = [s.model_copy(update={"id": f"{folder.name}-{s.id}", "query": "You know what I want."}) for s in samples]
    jsonl.write(folder / "problems.jsonl", unsaid)
    return folder / "problems.jsonl"


def test_a_file_without_labels_is_refused_by_name(tmp_path: Path) -> None:
    sample = load_data(Data()).bootstrap[0].model_copy(update={"answer": None})
    jsonl.write(tmp_path / "p.jsonl", [sample])
    with pytest.raises(DataError, match=r"p\.jsonl: holds no labelled problem"):
        run_command(("structure",), tmp_path / "p.jsonl", None, Limits())
