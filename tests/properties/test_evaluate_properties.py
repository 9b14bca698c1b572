"""Measuring whatever a model says: the figures stay in their bounds, and what is right by an item's own words scores as right."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from selfimprove.chat import SYNTAXES, write
from selfimprove.evaluate.compare import paired_interval
from selfimprove.evaluate.gate import detectable_gain, gain_interval
from selfimprove.evaluate.made import pairs
from selfimprove.evaluate.metrics import overlaps
from selfimprove.evaluate.score import gold, score
from selfimprove.records import AdmissibleCall, Completion, Message, Rate, SuiteItem, Tool, Values
from tests.properties.values import TEXT

CELLS = st.tuples(*[st.integers(0, 60)] * 4).filter(any)
PLAIN = st.integers(-1000, 1000) | st.booleans() | st.text("abc '\"éß,.", max_size=8) | st.lists(st.integers(0, 9), max_size=3)
NAMES = st.sampled_from(["city", "days", "unit", "at"])


@st.composite
def items(draw: st.DrawFn) -> SuiteItem:
    """A call item with one to three calls of one or two tools, whose schemas say nothing about the values."""
    tools = tuple(Tool(name=name, parameters={"type": "object", "properties": {n: {} for n in ("city", "days", "unit", "at")}})
                  for name in ("first", "second"))  # fmt: skip
    values = st.builds(Values, values=st.lists(PLAIN, min_size=1, max_size=3).map(tuple), optional=st.booleans())
    arguments = st.dictionaries(NAMES, values, max_size=3)
    calls = st.builds(AdmissibleCall, name=st.sampled_from(["first", "second"]), arguments=arguments)
    answers = draw(st.lists(st.lists(calls, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2))
    messages = (Message(role="user", content="q"),)
    return SuiteItem(id="a", category="c", messages=messages, tools=tools, admissible=tuple(answers))


def completion(text: str) -> Completion:
    return Completion(request="a", index=0, text=text, finish="stop", prompt_tokens=1)


@given(items(), st.sampled_from(sorted(SYNTAXES)))
def test_what_is_right_by_the_item_s_own_words_is_right_in_every_syntax(item: SuiteItem, syntax: str) -> None:
    output = score(item, completion(write(gold(item), syntax)), "strict")
    assert output.correct, output.reason
    tools, arguments = overlaps([item], [output], "strict")
    assert tools.f1 == 1.0 and (arguments.f1 == 1.0 or not any(c.arguments for c in output.calls))


@given(items(), items(), TEXT)
def test_any_answer_at_all_gets_a_score_within_its_bounds(item: SuiteItem, other: SuiteItem, text: str) -> None:
    for said in (write(gold(other)), text, f"<tool_call>{text}</tool_call>"):
        output = score(item, completion(said), "strict")
        assert output.correct == (not output.reason)
        for found in overlaps([item], [output], "strict"):
            assert 0 <= min(found.precision, found.recall, found.f1) <= max(found.precision, found.recall, found.f1) <= 1


@given(CELLS)
def test_an_interval_holds_its_gain_and_turns_over_with_the_models(cells: tuple[int, int, int, int]) -> None:
    both, wins, losses, neither = cells
    low, high = paired_interval(*cells, confidence=0.95)
    assert -1 <= low <= (wins - losses) / sum(cells) <= high <= 1
    turned = paired_interval(both, losses, wins, neither, confidence=0.95)
    assert abs(turned[0] + high) < 1e-9 and abs(turned[1] + low) < 1e-9


@given(CELLS)
def test_the_gate_never_takes_a_model_that_wins_no_more_than_it_loses(cells: tuple[int, int, int, int]) -> None:
    both, wins, losses, neither = cells
    low, _ = gain_interval(both, wins, losses, neither, 0.95)
    assert low <= 0 or wins > losses
    assert gain_interval(both, wins + 1, losses, neither, 0.95)[0] >= low - 0.02, "one more win does not make it look worse"


@given(st.integers(0, 50), st.integers(0, 50), st.integers(101, 900))
def test_the_gain_that_is_named_as_detectable_is_more_than_the_bound_of_a_copy(wins: int, losses: int, n: int) -> None:
    found = detectable_gain(wins, losses, n, 0.95)
    assert 1 / n < found <= 1 and detectable_gain(wins, losses, 2 * n, 0.95) <= found
    assert detectable_gain(wins, losses, n, 0.95, power=0.9) >= found


@given(st.integers(0, 4), st.integers(0, 4), st.data())
def test_partners_are_found_where_trying_all_of_them_finds_some(left: int, right: int, data: st.DataObject) -> None:
    fits = {(i, j): data.draw(st.booleans()) for i in range(left) for j in range(right)}
    tried = any(all(fits[i, j] for i, j in enumerate(chosen)) for chosen in permutations(range(right), left))
    assert pairs(left, right, lambda i, j: fits[i, j]) == tried


@given(st.integers(0, 200), st.integers(1, 200))
def test_a_rate_lies_in_its_interval(correct: int, n: int) -> None:
    found = Rate.of(min(correct, n), n)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
