"""The decision: a better model is adopted, a copy or a broken one never."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfimprove.config import Config, load
from selfimprove.evaluate import Job, evaluate_final, evaluate_models, run_decide, run_first
from selfimprove.evaluate.decide import champion_measured
from selfimprove.evaluate.measure import summarise
from selfimprove.evaluate.stage import current_versions
from selfimprove.records import Decision, Message, Output, Results, StageRef, SuiteItem, Tool
from selfimprove.records.suite import Truth
from selfimprove.store import jsonl
from selfimprove.store.champion import Model, promote, read_champion, rollback
from selfimprove.store.layout import Layout, write_json
from selfimprove.store.round import Round
from selfimprove.tools.suite import Suite

SCRIPTED = load([], ["engine.kind=scripted"]).value


class World:
    """Stored measurements of models, and decisions about them."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout.of(folder, "run")
        self.decide(0, 30)

    def model(self, number: int) -> Model:
        name = "bootstrap" if number == 0 else f"round-{number:03d}"
        path = self.layout.round(number) / "train" / "model"
        path.mkdir(parents=True, exist_ok=True)
        return Model(name=name, path=path, digest=f"{number:016d}")

    def measure(self, number: int, right: int, abstain: int, canaries: int, general: int = 16) -> StageRef:
        """64 call items of which the first `right` are right, 20 abstentions, 8 canaries, 20 plain questions."""
        folder = self.layout.round(number) / "evaluate"
        calls = [_output(f"c{i:02d}", "single", i < right) for i in range(64)]
        others = [_output(f"n{i:02d}", "no_tool", i < abstain, "abstain") for i in range(20)]
        self.store(folder, number, "gate", [*calls, *others])
        self.store(folder, number, "canaries", [_output(f"k{i}", "single", i < canaries) for i in range(8)])
        self.store(folder, number, "general", [_output(f"g{i}", "fact", i < general, "general") for i in range(20)])
        write_json(folder / "manifest.json", {})
        return StageRef(path=folder, digest=f"scores{number}-{right}-{abstain}-{canaries}-{general}")

    def store(self, folder: Path, number: int, suite: str, outputs: list[Output]) -> None:
        model = self.model(number)
        results = summarise(Suite(suite, tuple(map(_item, outputs))), Job(model, SCRIPTED.engine, 96), outputs, smoke=True)
        jsonl.write(folder / f"{suite}.outputs.jsonl", outputs)
        versions = current_versions(SCRIPTED, model, [suite])[suite]
        write_json(folder / f"{suite}.results.json", results.model_copy(update={"versions": versions}).model_dump(mode="json"))

    def decide(
        self, number: int, right: int, abstain: int = 16, canaries: int = 8, general: int = 16, config: Config = SCRIPTED
    ) -> Decision:
        round_ = Round(self.layout, number, config)
        scores, challenger = self.measure(number, right, abstain, canaries, general), self.model(number)
        if number == 0:
            return run_first(round_, challenger, scores)
        return run_decide(round_, self.champion, challenger, scores)

    @property
    def champion(self) -> Model:
        found = read_champion(self.layout)
        assert found is not None
        return found.current


def _output(name: str, category: str, correct: bool, truth: Truth = "call") -> Output:
    return Output(
        id=name, category=category, truth=truth, prompt="", query="q", text="", correct=correct, finish="stop", tokens=1,
        prompt_tokens=1,
    )  # fmt: skip


def _item(output: Output) -> SuiteItem:
    message = Message(role="user", content=output.query)
    return SuiteItem(id=output.id, category=output.category, messages=(message,), tools=(Tool(name="f"),), any_call=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_first_model_is_champion_without_a_contest(world: World) -> None:
    assert world.champion.name == "bootstrap"


def test_a_better_model_is_adopted_and_the_next_one_meets_it(world: World) -> None:
    decision = world.decide(1, 45)
    assert decision.promoted and decision.low > 0 and (decision.wins, decision.losses, decision.n) == (15, 0, 64)
    assert world.champion.name == "round-001"
    assert "round-001 becomes the champion" in decision.sentence and "+23.4%" in decision.sentence
    assert not world.decide(2, 40).promoted
    assert world.champion.name == "round-001"


@pytest.mark.parametrize("right", [0, 1, 30, 63, 64])
def test_a_copy_of_the_champion_is_never_adopted(tmp_path: Path, right: int) -> None:
    world = World(tmp_path / "other")
    world.measure(0, right, 16, 8)
    decision = world.decide(1, right)
    assert not decision.promoted and decision.gain == 0
    assert "would have shown a gain of" in decision.sentence


def test_a_gain_that_chance_explains_is_not_adopted_and_the_sentence_says_what_could_be_seen(world: World) -> None:
    decision = world.decide(1, 32)
    assert not decision.promoted and decision.gain > 0 and decision.low <= 0 and 0 < decision.detectable < 0.2
    assert decision.sentence.startswith("bootstrap stays the champion")


def test_a_worse_model_is_not_adopted(world: World) -> None:
    assert not world.decide(1, 10).promoted


def test_a_gain_below_the_wanted_one_is_not_adopted(world: World) -> None:
    decision = world.decide(1, 45, config=load([], ["engine.kind=scripted", "gate.min_effect=0.3"]).value)
    assert not decision.promoted and "gate.min_effect=30.0%" in decision.sentence


def test_a_model_that_always_calls_is_vetoed(world: World) -> None:
    decision = world.decide(1, 64, abstain=1)
    assert not decision.promoted and len(decision.vetoes) == 1 and "abstention accuracy: 5.0% of 20" in decision.vetoes[0]
    assert world.champion.name == "bootstrap"


def test_abstention_is_vetoed_only_when_it_is_surely_below_its_floor(world: World) -> None:
    assert world.decide(1, 45, abstain=6).promoted


def test_a_model_that_fails_the_canaries_is_vetoed(world: World) -> None:
    decision = world.decide(1, 64, canaries=1)
    assert not decision.promoted and "canaries passed: 12.5% of 8" in decision.vetoes[0]
    assert world.decide(2, 64, canaries=3).promoted, "three of eight may be chance"


def test_a_champion_below_a_floor_does_not_keep_every_better_model_out(tmp_path: Path) -> None:
    world = World(tmp_path / "weak")
    world.measure(0, 30, 2, 8)
    assert world.decide(1, 45, abstain=2).promoted
    world = World(tmp_path / "falling")
    world.measure(0, 30, 6, 8)
    assert not world.decide(1, 64, abstain=0).promoted


def test_deciding_again_gives_the_same_decision_and_one_promotion(world: World) -> None:
    first = world.decide(1, 45)
    scores = StageRef(path=world.layout.round(1) / "evaluate", digest="scores1-45-16-8-16")
    again = run_decide(Round(world.layout, 1, SCRIPTED), world.model(0), world.model(1), scores)
    assert again == first
    found = read_champion(world.layout)
    assert found is not None and [entry.round for entry in found.history] == [0, 1]


def test_a_round_that_breaks_plain_answering_is_vetoed(world: World) -> None:
    decision = world.decide(1, 64, general=2)
    assert not decision.promoted and "plain answers: 10.0% of 20" in decision.vetoes[0]
    assert world.decide(2, 64, general=9).promoted, "nine of twenty may be chance"


@pytest.mark.parametrize("right", [10, 32, 45])
def test_every_decision_says_what_gain_could_have_been_seen(world: World, right: int) -> None:
    decision = world.decide(1, right)
    assert f"would have shown a gain of {decision.detectable:.1%}" in decision.sentence and 0 < decision.detectable < 1


def test_the_champion_s_stored_answers_are_used_again_only_while_they_hold(world: World, tmp_path: Path) -> None:
    round_, champion = Round(world.layout, 1, SCRIPTED), world.champion
    assert champion_measured(round_, champion) == world.layout.round(0) / "evaluate"
    script = tmp_path / "answers.json"
    script.write_text('{"*": ["No tool fits this request."]}', encoding="utf-8")
    settings = ["engine.kind=scripted", f"engine.script={script}", "generate.max_answer_tokens=97", "evaluate.gate_items=8"]
    changed = Round(world.layout, 1, load([], settings).value)
    found = champion_measured(changed, champion)
    assert found == world.layout.round(1) / "evaluate-champion"
    results = Results.model_validate_json((found / "gate.results.json").read_text(encoding="utf-8"))
    assert (results.digest, results.n, results.versions["max_tokens"]) == (champion.digest, 8, "97")
    assert champion_measured(changed, champion) == found, "and not a second time"
    others = Round(world.layout, 2, load([], [*settings[:2], "evaluate.canary_items=4"]).value)
    assert champion_measured(others, champion) == world.layout.round(2) / "evaluate-champion", "guarded by other canaries"


def test_a_champion_that_a_person_promoted_is_the_one_that_the_next_round_meets(world: World) -> None:
    world.measure(1, 20, 16, 8)
    promote(world.layout, world.model(1), 1, by="hand")
    assert world.decide(2, 35).champion == "round-001"
    assert world.champion.name == "round-002"
    assert rollback(world.layout).name == "round-001"
    assert world.champion.name == "round-001"


def test_the_test_suite_is_measured_for_all_models_at_once_and_every_pair_compared(tmp_path: Path) -> None:
    script = tmp_path / "answers.json"
    script.write_text('{"*": ["No tool fits this request."]}', encoding="utf-8")
    config = load([], ["engine.kind=scripted", f"engine.script={script}", "evaluate.test_items=12"]).value
    round_ = Round(Layout.of(tmp_path, "run"), 2, config, "final")
    models = [Model(name=name, path=tmp_path, digest=name * 16) for name in ("a", "b", "c")]
    ref = evaluate_final(round_, models)
    pairs = json.loads((round_.path / "comparison.json").read_text(encoding="utf-8"))
    assert [(p["a"], p["b"], p["gain"]) for p in pairs] == [("a", "b", 0.0), ("a", "c", 0.0), ("b", "c", 0.0)]
    results = Results.model_validate_json((ref.path / "b" / "test.results.json").read_text(encoding="utf-8"))
    assert (results.n, results.call.correct, results.abstention.correct) == (12, 0, 2)
    assert evaluate_final(round_, models).digest == ref.digest


def test_seconds_are_no_part_of_what_identifies_a_measurement(world: World, tmp_path: Path) -> None:
    """Two runs of the same models would else never have the same digests."""
    script = tmp_path / "answers.json"
    script.write_text('{"*": ["No tool fits this request."]}', encoding="utf-8")
    config = load([], ["engine.kind=scripted", f"engine.script={script}", "evaluate.gate_items=8"]).value
    digests = []
    for number, seconds in ((1, 0.5), (2, 7.5)):
        round_ = Round(world.layout, number, config)
        ref = evaluate_models(round_, "evaluate", world.model(0), ["gate"])
        file = ref.path / "gate.outputs.jsonl"
        rows = [row.model_copy(update={"seconds": seconds}) for row in jsonl.read(file, Output)]
        (ref.path / "manifest.json").unlink()
        with round_.stage("evaluate", {"again": True}) as stage:
            jsonl.write(file, rows)
            digests.append(stage.close({}).digest)
    assert digests[0] == digests[1]
