"""Scoring and intervals: the figures that a user decides by."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.chat import write
from selfimprove.config import load
from selfimprove.errors import DataError
from selfimprove.evaluate.compare import by_category, compare, paired_cells, paired_interval
from selfimprove.evaluate.gate import detectable_gain, gain_interval
from selfimprove.evaluate.metrics import abstain_precision, abstain_recall, overlaps
from selfimprove.evaluate.score import score
from selfimprove.evaluate.stage import chosen, first_items
from selfimprove.records import AdmissibleCall, Answer, Call, Completion, Message, Output, Rate, Sample, SuiteItem, Tool, Values
from selfimprove.records.suite import Truth
from selfimprove.tools.data import load_data
from selfimprove.tools.suite import item_of

TOOL = Tool(
    name="f", parameters={"type": "object", "properties": {"x": {"type": "number"}, "n": {"type": "integer", "default": 2}}}
)


def call(*xs: Any, name: str = "f") -> Answer:
    return Answer(calls=tuple(Call(name=name, arguments={"x": x}) for x in xs))


def scored(gold: Answer, text: str, finish: Any = "stop") -> str:
    """The reason; empty when it is right."""
    sample = Sample(id="a", query="q", tools=(TOOL,), answer=gold, kind="single")
    output = score(item_of(sample), Completion(request="a", index=0, text=text, finish=finish, prompt_tokens=1), "strict")
    assert output.correct == (not output.reason)
    return output.reason


NO_TOOL, MISSING = Answer(abstain="no_tool"), Answer(abstain="missing", missing=("from_unit",))


@pytest.mark.parametrize(
    ("gold", "text", "reason"),
    [
        (call(1), write(call(1)), ""), (call(1), write(call(1.0)), ""),
        (call(1), '{"name": "f", "arguments": {"x": 1, "n": 2}}', ""),
        (call(1, 2), write(call(2, 1)), ""), (call(1), write(call(2)), "wrong-value:x"),
        (call(1), write(call("1")), "wrong-value:x"),
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
    found = Rate.of(correct, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_no_items_tell_nothing() -> None:
    assert (Rate.of(0, 0).low, Rate.of(0, 0).high) == (0.0, 1.0)
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


def output(name: str, correct: bool, category: str = "single", truth: Truth = "call", **more: Any) -> Output:
    return Output(
        id=name, category=category, truth=truth, prompt=name, query="q", text="", correct=correct, finish="stop", tokens=1,
        prompt_tokens=1, **more,
    )  # fmt: skip


def test_models_are_compared_on_call_items_only_and_by_item() -> None:
    a = [output("1", True), output("2", True), output("3", False), output("4", False, "no_tool", "abstain")]
    b = [output("4", True, "no_tool", "abstain"), output("3", False), output("2", False), output("1", True)]
    assert paired_cells(a, b) == (1, 1, 0, 1)
    found = compare(a, b, ("a", "b"), "test")
    assert (found.n, found.wins, found.losses, found.gain) == (3, 1, 0, pytest.approx(1 / 3))


def test_models_measured_on_different_items_are_never_compared() -> None:
    with pytest.raises(DataError, match="different items"):
        compare([output("1", True)], [output("2", True)], ("a", "b"), "gate")


def test_an_item_that_asks_something_else_under_the_same_id_is_another_item() -> None:
    with pytest.raises(DataError, match="different items"):
        compare([output("1", True)], [output("1", True).model_copy(update={"prompt": "other"})], ("a", "b"), "gate")


def test_what_flipped_is_named_by_category_and_abstentions_stand_by_themselves() -> None:
    a = [output("1", True), output("2", False), output("3", True, "no_tool", "abstain")]
    b = [output("1", False), output("2", True), output("3", False, "no_tool", "abstain")]
    found = {c.category: c for c in by_category(a, b)}
    assert (found["single"].won, found["single"].lost, found["single"].gain) == (("1",), ("2",), 0.0)
    assert (found["no_tool"].won, found["no_tool"].n) == (("3",), 1)


def test_the_detectable_gain_shrinks_with_more_items_and_grows_with_disagreement() -> None:
    assert detectable_gain(0, 0, 1000, 0.95) < 0.01
    assert detectable_gain(10, 10, 64, 0.95) < detectable_gain(10, 10, 64, 0.99) < 0.25
    assert detectable_gain(2, 2, 200, 0.95) < detectable_gain(20, 20, 200, 0.95) < detectable_gain(20, 20, 100, 0.95)


def test_a_wanted_effect_makes_the_detectable_gain_larger_than_itself() -> None:
    """A true gain of just the wanted size is seen in half of the cases only."""
    assert detectable_gain(10, 10, 400, 0.95, min_effect=0.1) > 0.1 > detectable_gain(10, 10, 400, 0.95)
    assert detectable_gain(10, 10, 400, 0.95, min_effect=0.001) == detectable_gain(10, 10, 400, 0.95)


def test_the_gate_s_interval_is_a_little_wider_than_newcombe_s() -> None:
    low, high = gain_interval(30, 12, 5, 50, 0.95)
    plain = paired_interval(30, 12, 5, 50, 0.90)
    assert plain[0] - 0.003 < low < plain[0] and plain[1] < high < plain[1] + 0.003


CITY = Tool(name="w", parameters={"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})


def item(*wanted: AdmissibleCall) -> SuiteItem:
    return SuiteItem(id="a", category="c", messages=(Message(role="user", content="q"),), tools=(CITY,), admissible=(wanted,))


def weather(city: str, **more: Any) -> Call:
    return Call(name="w", arguments={"city": city, **more})


def test_partly_right_calls_count_in_f1_where_accuracy_sees_nothing() -> None:
    wanted = AdmissibleCall(name="w", arguments={"city": Values(values=("Oslo", "Oslo, Norway")), "days": Values(values=(3,))})
    items = [item(wanted), item(wanted, wanted.model_copy(update={"arguments": {"city": Values(values=("Rome",))}}))]
    outputs = [
        output("a", False, calls=(weather("Oslo, Norway", days=4),)),
        output("a", False, calls=(weather("Rome"), Call(name="v"))),
    ]
    tools, arguments = overlaps(items, outputs, "strict")
    assert (tools.precision, tools.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (arguments.precision, arguments.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 5))
    assert arguments.f1 == pytest.approx(2 * 2 / 8)


def test_f1_is_1_exactly_for_right_answers_and_0_for_unreadable_ones() -> None:
    wanted = AdmissibleCall(name="w", arguments={"city": Values(values=("Oslo",)), "days": Values(values=(3,), optional=True)})
    for calls, f1 in (((weather("Oslo"),), 1.0), ((weather("Oslo", days=3),), 1.0), ((), 0.0)):
        tools, arguments = overlaps([item(wanted)], [output("a", bool(calls), calls=calls)], "strict")
        assert (tools.f1, arguments.f1) == (f1, f1)


def test_a_right_call_has_right_arguments_under_bfcl_s_rules_too() -> None:
    """Each is compared by itself, and the tool then lacks the others that it requires."""
    both = {"a": {"type": "string"}, "b": {"type": "string"}}
    tool = Tool(name="f", description="F.", parameters={"type": "object", "properties": both, "required": ["a", "b"]})
    wanted = AdmissibleCall(name="f", arguments={"a": Values(values=("x",)), "b": Values(values=("y",))})
    asked = item(wanted).model_copy(update={"tools": (tool,)})
    half = Call(name="f", arguments={"a": "x", "b": "no"})
    for given, right in ((Call(name="f", arguments={"a": "x", "b": "y"}), 1.0), (half, 0.5)):
        assert overlaps([asked], [output("a", right == 1, calls=(given,))], "bfcl-like")[1].f1 == right


def test_prose_scores_on_abstentions_and_its_precision_says_so() -> None:
    made = [
        output("1", False, abstain="no_call"), output("2", True, "no_tool", "abstain", abstain="no_call"),
        output("3", False, "missing", "abstain", calls=(weather("Oslo"),)),
        output("4", True, "fact", "general", abstain="no_call"),
    ]  # fmt: skip
    precision, recall = abstain_precision(made), abstain_recall(made)
    assert (precision.correct, precision.n, recall.correct, recall.n) == (1, 2, 1, 2)


def test_every_model_of_a_run_meets_the_same_items_in_the_suite_s_shares() -> None:
    config = load([], ["evaluate.gate_items=40"]).value
    data = load_data(config.data)
    gate = data.suites["gate"].items
    found = chosen(config, data, "gate").items
    assert [s.id for s in found] == [s.id for s in first_items(list(reversed(gate)), "gate", 40)]
    kinds = [s.category for s in found]
    assert {k: kinds.count(k) for k in set(kinds)} == {"single": 16, "choice": 8, "parallel": 6, "no_tool": 6, "missing": 4}
    assert len(first_items(gate, "gate", 999)) == 200
