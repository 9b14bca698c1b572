"""The verifier: what is wrong is never trained, and the oracle's gold never leaks into what is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.chat import parse
from selfimprove.config.model import Config, Data, Verify
from selfimprove.records import Answer, Attempt, Call, Judged, Sample, Tool
from selfimprove.tools.data import load_data
from selfimprove.verify.judge_sample import check, judge_sample, reference_reason
from selfimprove.verify.stage import runnable_of

WEATHER = Tool(
    name="get_weather",
    parameters={
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}},
        "required": ["city"],
        "additionalProperties": False,
    },
)  # fmt: skip
TIME = Tool(name="get_time", parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
CONFIG = Verify()


def call(name: str = "get_weather", **arguments: Any) -> Answer:
    return Answer(calls=(Call(name=name, arguments=arguments or {"city": "Oslo"}),))


OSLO, ROME = call(), call(city="Rome")


def problem(gold: Answer | None = None, source: str = "make", query: str = "weather in oslo or rome?") -> Sample:
    return Sample.model_validate(
        {"id": "p", "query": query, "tools": (WEATHER, TIME), "answer": gold, "source": source, "kind": "single"}
    )


def attempt(index: int, answer: Answer | None, why: str | None = None, **fields: Any) -> Attempt:
    return Attempt(sample="p", index=index, text="", answer=answer, problem=why, **fields)


def judge(sample: Sample, *answers: Answer | None, **settings: Any) -> Judged:
    attempts = [attempt(-1, OSLO), *(attempt(i, a, None if a else "bad-json") for i, a in enumerate(answers))]
    return judge_sample(sample, attempts, CONFIG.model_copy(update=settings))[0]


@pytest.mark.parametrize(
    ("answer", "why", "layer", "reasons"),
    [
        (None, "unclosed-call", "structure", ("unclosed-call",)),
        (None, "truncated", "structure", ("truncated",)),
        (call("get_wether"), None, "tool", ("unknown-tool",)),
        (call(days=2), None, "arguments", ("missing-argument:city",)),
        (call(city="Oslo", unit="c"), None, "arguments", ("extra-argument:unit",)),
        (call("get_time", city="Oslo", unit="c"), None, "arguments", ("extra-argument:unit",)),
        (call(city=3), None, "arguments", ("wrong-argument:city",)),
        (call(city="Oslo", days="2"), None, "arguments", ("wrong-argument:days",)),
        (Answer(abstain="missing", missing=("country",)), None, "arguments", ("unknown-missing",)),
        (Answer(abstain="missing"), None, "arguments", ("unknown-missing",)),
        (call(city="Paris"), None, "grounding", ("ungrounded:city",)),
    ],
)
def test_each_layer_stops_what_it_is_for(answer: Answer | None, why: str | None, layer: str, reasons: tuple[str, ...]) -> None:
    found = check(problem(), attempt(0, answer, why), CONFIG, None)
    assert (found.layer, found.reasons, found.correct) == (layer, reasons, None)
    assert found.status == ("unknown" if layer == "grounding" else "rejected")


def test_a_layer_that_is_switched_off_stops_nothing() -> None:
    config = CONFIG.model_copy(update={"layers": ("structure", "tool", "arguments")})
    assert check(problem(), attempt(0, call(city="Paris")), config, None).status == "accepted"


@pytest.mark.parametrize("answer", [OSLO, Answer(abstain="no_tool"), Answer(abstain="missing", missing=("city",)),
Answer(calls=())])
def test_a_sound_answer_passes_every_layer(answer: Answer) -> None:
    query = "play a song" if answer.abstain else "weather in oslo or rome?"
    assert check(problem(query=query), attempt(0, answer), CONFIG, None).status == "accepted"


def test_every_gold_of_the_seeds_passes_the_verifier() -> None:
    data = load_data(Data())
    for sample in (*data.bootstrap, *data.curriculum):
        found = check(sample, Attempt(sample=sample.id, index=0, text="", answer=sample.answer), CONFIG, sample.answer)
        assert (found.status, found.correct) == ("accepted", True), sample.id


@pytest.mark.parametrize(
    ("answer", "gold", "reason"),
    [
        (None, OSLO, "unparsed"), (Answer(abstain="no_tool"), OSLO, "should-call"), (OSLO, Answer(abstain="no_tool"),
        "should-abstain"),
        (Answer(abstain="no_tool"), Answer(abstain="missing", missing=("city",)), "wrong-reason"),
        (call("get_time", city="Oslo"), OSLO, "wrong-tool"), (ROME, OSLO, "wrong-value:city"),
        (Answer(calls=OSLO.calls + ROME.calls), OSLO, "wrong-count"),
    ],
)  # fmt: skip
def test_what_differs_from_the_gold_says_how(answer: Answer | None, gold: Answer, reason: str) -> None:
    assert reference_reason(answer, gold, problem(gold, "seed").tools) == reason
    if answer:
        found = check(problem(gold, "seed"), attempt(0, answer), CONFIG, gold)
        assert (found.status, found.correct) == ("rejected", False)


def test_what_equals_the_gold_is_right_even_where_its_values_cannot_be_traced() -> None:
    found = check(problem(OSLO, "seed", query="And there?"), attempt(0, OSLO), CONFIG, OSLO)
    assert (found.status, found.correct) == ("accepted", True)


def test_with_gold_difficulty_is_how_many_sampled_answers_are_right() -> None:
    found = judge(problem(OSLO, "request"), OSLO, ROME, call(city="Oslo", days=1), None)
    assert (found.verdict.status, found.correct, found.k, found.agreement) == ("accepted", 2, 4, 0.5)
    assert found.answer == OSLO and not found.near_miss


def test_a_near_miss_has_the_right_tools_and_half_of_the_arguments() -> None:
    gold = call(city="Oslo", days=3)
    assert judge(problem(gold, "seed"), call(city="Oslo", days=9)).near_miss
    assert not judge(problem(gold, "seed"), call(city="Rome", days=9)).near_miss
    assert not judge(problem(gold, "seed"), gold, call(city="Oslo", days=9)).near_miss
    assert not judge(problem(Answer(abstain="no_tool"), "seed"), OSLO).near_miss


def test_a_problem_whose_prompt_never_fits_is_rejected() -> None:
    long = attempt(0, None, "prompt-too-long", finish="too_long")
    assert judge_sample(problem(OSLO, "seed"), [long], CONFIG)[0].verdict.reasons == ("prompt-too-long",)


def test_the_vote_takes_the_answer_of_the_most() -> None:
    found = judge(problem(), OSLO, OSLO, ROME, OSLO)
    assert (found.verdict.status, found.answer, found.correct, found.agreement) == ("accepted", OSLO, 3, 0.75)
    assert found.right is None


@pytest.mark.parametrize("answers", [(OSLO, ROME), (OSLO, ROME, OSLO, ROME), (OSLO, None, None), (OSLO, ROME, None, None)])
def test_without_a_clear_majority_nothing_is_accepted(answers: tuple[Answer | None, ...]) -> None:
    found = judge(problem(), *answers)
    assert (found.verdict.status, found.verdict.reasons, found.answer) == ("rejected", ("no-majority",), None)


def test_the_greedy_answer_has_no_vote() -> None:
    assert judge(problem(), ROME, ROME).answer == ROME


def test_attempts_that_a_layer_stopped_have_no_vote() -> None:
    wrong = call("get_wether")
    assert judge(problem(), wrong, wrong, None).verdict.reasons == ("nothing-valid",)
    assert judge(problem(), OSLO, OSLO, wrong, wrong, wrong).verdict.status == "rejected"


def test_the_vote_can_be_made_stricter() -> None:
    assert judge(problem(), OSLO, OSLO, ROME, OSLO, vote_share=0.8).verdict.status == "rejected"
    assert judge(problem(), OSLO, OSLO, ROME, OSLO, vote_margin=3).verdict.status == "rejected"


@pytest.mark.parametrize(
    ("winner", "reason"),
    [
        (call(city="Paris"), "ungrounded:city"), (Answer(abstain="no_call"), "prose"),
        (Answer(abstain="no_tool"), "declined-made-tools"),
    ],
)  # fmt: skip
def test_a_winner_that_cannot_be_trusted_is_unknown_and_gives_no_answer(winner: Answer, reason: str) -> None:
    found = judge(problem(query="play a song"), winner, winner)
    assert (found.verdict.status, found.verdict.reasons, found.answer) == ("unknown", (reason,), None)


def test_a_voted_answer_gets_its_own_kind() -> None:
    both = Answer(calls=OSLO.calls + ROME.calls)
    assert judge(problem(), both, both).kind == "parallel"
    assert judge(problem(source="oracle", query="play a song"), *[Answer(abstain="no_tool")] * 2).kind == "no_tool"


@pytest.mark.parametrize("answers", [(OSLO, OSLO), (ROME, ROME, OSLO), (OSLO, ROME), (None,), (call(city="Paris"),) * 2])
def test_the_gold_of_an_oracle_problem_changes_nothing_but_right(answers: tuple[Answer | None, ...]) -> None:
    golds = [OSLO, ROME, Answer(abstain="no_tool"), Answer(abstain="missing", missing=("city",)), None]
    attempts = [attempt(-1, OSLO), *(attempt(i, a, None if a else "empty") for i, a in enumerate(answers))]
    found = [judge_sample(problem(gold, "oracle"), attempts, CONFIG) for gold in golds]
    assert all(checked == found[0][1] for _, checked in found)
    assert len({judged.model_copy(update={"right": None}).key for judged, _ in found}) == 1
    assert all(c.correct is None for _, checked in found for c in checked)


def test_right_says_whether_the_accepted_oracle_answer_equals_the_gold() -> None:
    assert judge(problem(OSLO, "oracle"), OSLO, OSLO).right is True
    assert judge(problem(ROME, "oracle"), OSLO, OSLO).right is False
    assert judge(problem(ROME, "oracle"), OSLO, ROME).right is None


HOSTILE = (
    '<tool_call>{"name": "get_weather", "arguments": {"city": ["Oslo"]}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": {"a": null}}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo", "days": 1e300}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"": "", "city": "\\u0000"}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo", "days": NaN}}</tool_call>',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "' + "[" * 5000 + '"}}</tool_call>',
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_model_writes_ends_the_stage(text: str) -> None:
    parsed = parse(text)
    judged = judge_sample(problem(), [attempt(i, parsed.answer, parsed.problem) for i in range(2)], CONFIG)[0]
    assert judged.verdict.status != "accepted"
    assert judged.model_dump_json()


def test_a_pool_tool_that_can_run_is_run_and_a_made_one_of_its_name_is_not() -> None:
    config = Config(verify=CONFIG.model_copy(update={"layers": ("structure", "execution")}))
    runnable = runnable_of(config)
    tool = runnable["days_between"][0]
    wrong = Answer(calls=(Call(name="days_between", arguments={"start": "soon", "end": "later"}),))
    for offered, status in ((tool, "rejected"), (tool.model_copy(update={"description": "Another."}), "accepted")):
        sample = problem().model_copy(update={"tools": (offered,)})
        assert check(sample, attempt(0, wrong), config.verify, None, runnable).status == status
    assert runnable_of(Config()) == {}
