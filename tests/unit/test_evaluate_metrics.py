"""Scoring and intervals: the figures that a user decides by."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.chat import write
from selfimprove.config import load
from selfimprove.errors import DataError
from selfimprove.evaluate.compare import compare, detectable_gain, paired_cells, paired_interval
from selfimprove.evaluate.metrics import rate, score
from selfimprove.evaluate.stage import items
from selfimprove.records import Answer, Call, Completion, Output, Sample, Tool
from selfimprove.tools.data import load_data

TOOL = Tool(
    name="f", parameters={"type": "object", "properties": {"x": {"type": "number"}, "n": {"type": "integer", "default": 2}}}
)


def call(*xs: Any, name: str = "f") -> Answer:
    return Answer(calls=tuple(Call(name=name, arguments={"x": x}) for x in xs))


def scored(gold: Answer, text: str, finish: Any = "stop") -> str:
    """The reason; empty when it is right."""
    sample = Sample(id="a", query="q", tools=(TOOL,), answer=gold, kind="single")
    output = score(sample, Completion(request="a", index=0, text=text, finish=finish, prompt_tokens=1))
    assert output.correct == (not output.reason)
    return output.reason


NO_TOOL, MISSING = Answer(abstain="no_tool"), Answer(abstain="missing", missing=("from_unit",))


@pytest.mark.parametrize(
    ("gold", "text", "reason"),
    [
        (call(1), write(call(1)), ""), (call(1), write(call(1.0)), ""),
        (call(1), '{"name": "f", "arguments": {"x": 1, "n": 2}}', ""),
        (call(1, 2), write(call(2, 1)), ""), (call(1), write(call(2)), "wrong-value"), (call(1), write(call("1")), "wrong-value"),
        (call(1), write(call(1, 1)), "wrong-count"), (call(1, 2), write(call(1)), "wrong-count"),
        (call(1), write(call(1, name="g")), "wrong-tool"), (call(1), "No tool fits this request.", "should-call"),
        (call(1), "It is one.", "should-call"), (call(1), "", "empty"), (call(1), "<tool_call>{", "unclosed-call"),
        (NO_TOOL, "No tool fits this request.", ""), (NO_TOOL, "I cannot do that.", ""), (NO_TOOL, write(call(1)),
        "should-abstain"),
        (NO_TOOL, "Missing value: x", "wrong-reason"), (NO_TOOL, "", "empty"),
        (MISSING, "Missing value: from_unit", ""), (MISSING, "From which unit should I convert?", ""),
        (MISSING, "Missing value: to_unit", "wrong-reason"), (MISSING, "Missing value: from_unit, to_unit", "wrong-reason"),
        (MISSING, "No tool fits this request.", "wrong-reason"), (MISSING, write(call(1)), "should-abstain"),
        (MISSING, "{", "bad-json"),
    ],
)  # fmt: skip
def test_an_item_is_scored_by_what_the_answer_means(gold: Answer, text: str, reason: str) -> None:
    assert scored(gold, text) == reason


def test_an_answer_that_was_cut_off_is_never_right() -> None:
    assert scored(call(1), write(call(1)), "length") == "truncated"
    assert scored(NO_TOOL, "I cannot", "length") == "truncated"
    assert scored(NO_TOOL, "", "too_long") == "prompt-too-long"


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (29, 29, 0.8830, 1.0)],
)
def test_the_interval_of_a_share_is_the_published_one(correct: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3 (Wilson's score without continuity correction)."""
    found = rate(correct, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_no_items_tell_nothing() -> None:
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, 1.0)
    assert paired_interval(0, 0, 0, 0, 0.95) == (-1.0, 1.0)
    assert detectable_gain(0, 0, 0, 0.95) == 1.0


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        # Published in the paper's table of examples.
        ((36, 12, 2, 0), 0.0569, 0.3404), ((36, 14, 0, 0), 0.1528, 0.4167), ((20, 12, 2, 16), 0.0562, 0.3292),
        ((54, 0, 0, 0), -0.0664, 0.0664),
        # By hand, from the two Wilson intervals without correlation: 53/54 (0.9023, 0.9967) and 54/54 (0.9336, 1); 50/50
        # (0.9287, 1) and 30/50 (0.4618, 0.7239).
        ((53, 0, 1, 0), -0.0977, 0.0496), ((30, 20, 0, 0), 0.2570, 0.5382),
    ],
)  # fmt: skip
def test_the_paired_interval_is_newcombe_s_method_10(cells: tuple[int, int, int, int], low: float, high: float) -> None:
    found = paired_interval(*cells, confidence=0.95)
    assert found == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_the_paired_interval_turns_over_when_the_models_change_places() -> None:
    low, high = paired_interval(20, 12, 2, 16, 0.95)
    assert paired_interval(20, 2, 12, 16, 0.95) == (pytest.approx(-high), pytest.approx(-low))


def output(name: str, correct: bool, kind: str = "single") -> Output:
    return Output(id=name, kind=kind, query="q", text="", correct=correct, finish="stop", tokens=1, prompt_tokens=1)


def test_models_are_compared_on_call_items_only_and_by_item() -> None:
    a = [output("1", True), output("2", True), output("3", False), output("4", False, "no_tool")]
    b = [output("4", True, "no_tool"), output("3", False), output("2", False), output("1", True)]
    assert paired_cells(a, b) == (1, 1, 0, 1)
    found = compare(a, b, ("a", "b"), "test")
    assert (found.n, found.wins, found.losses, found.gain) == (3, 1, 0, pytest.approx(1 / 3))


def test_models_measured_on_different_items_are_never_compared() -> None:
    with pytest.raises(DataError, match="different items"):
        compare([output("1", True)], [output("2", True)], ("a", "b"), "gate")


def test_the_detectable_gain_shrinks_with_more_items() -> None:
    assert detectable_gain(10, 10, 64, 0.95) == pytest.approx((1.6449 + 0.8416) * 20**0.5 / 64, abs=1e-4)
    assert detectable_gain(0, 0, 1000, 0.95) < 0.01


def test_every_model_of_a_run_meets_the_same_items_in_the_suite_s_shares() -> None:
    config = load([], ["evaluate.gate_items=40"]).value
    gate = load_data(config.data).gate
    chosen = items(config, gate, "gate")
    assert [s.id for s in chosen] == [s.id for s in items(config, list(reversed(gate)), "gate")]
    kinds = [s.kind for s in chosen]
    assert {k: kinds.count(k) for k in set(kinds)} == {"single": 16, "choice": 8, "parallel": 6, "no_tool": 6, "missing": 4}
    assert len(items(load([], ["evaluate.gate_items=999"]).value, gate, "gate")) == 200
