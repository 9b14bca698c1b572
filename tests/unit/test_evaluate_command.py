"""`selfimprove evaluate`, `compare`, `promote`, `rollback` with a scripted engine: files, resumption, refusals."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.champion import adopt, compare, go_back
from flows.suite import Wanted, add, evaluate
from selfimprove.chat import write
from selfimprove.config import load
from selfimprove.errors import DataError, EngineError, ModelError, SelfImproveError, StoreError
from selfimprove.evaluate import evaluate_models
from selfimprove.evaluate.score import gold
from selfimprove.events import Note, listening
from selfimprove.observe.scores import print_comparison, print_results
from selfimprove.records import Answer, Call, Results, SuiteItem
from selfimprove.store.champion import Model, lineage, promote, read_champion
from selfimprove.store.layout import Layout, write_json
from selfimprove.store.round import Round
from selfimprove.tools.registry import find_suite

SMOKE = write(Answer(calls=(Call(name="ping", arguments={"text": "hello"}),)))
GATE = find_suite("gate", Path("runs")).items


class Bench:
    """A model directory without weights, and an engine that answers from a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        self.model.mkdir()
        (self.model / "config.json").write_text("{}", encoding="utf-8")

    def run(self, right: int, out: str = "out", *, texts: dict[str, Any] | None = None, **more: Any) -> Results:
        """Answers the first `right` items of the gate as they should be, and all others with prose."""
        answers = {f"gate/{i.id}": [write(gold(i))] for i in GATE[:right]}
        script = {"smoke": [SMOKE], "*": ["I would rather not."], **answers, **(texts or {})}
        script = {name: value for name, value in script.items() if value is not None}
        (self.folder / "script.json").write_text(json.dumps(script), encoding="utf-8")
        wanted = {"model": str(self.model), "suite": "gate", "limit": 0, "make": False, "allow_shared": False, **more}
        settings = ["engine.kind=scripted", f"engine.script={self.folder / 'script.json'}"]
        return evaluate(Wanted(out=self.folder / out, **wanted), load([], settings), self.folder / "runs")

    def rows(self, name: str = "outputs.jsonl", out: str = "out") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / out / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def notes() -> Iterator[list[str]]:
    found: list[str] = []
    with listening(lambda event: found.append(event.text) if isinstance(event, Note) else None):
        yield found


def test_a_measurement_leaves_outputs_and_results_that_agree(bench: Bench) -> None:
    results = bench.run(120)
    rows = bench.rows()
    assert len(rows) == 200 == results.n and results.smoke
    calls = [row for row in rows if row["truth"] == "call"]
    assert results.call.n == len(calls) == 150 and results.call.correct == sum(row["correct"] for row in calls)
    assert results.abstention.n == 50 and set(results.categories) == {"single", "choice", "parallel", "no_tool", "missing"}
    assert Results.model_validate_json((bench.folder / "out" / "results.json").read_text()) == results
    assert all(row["correct"] != bool(row["reason"]) for row in rows)
    assert {"suite", "family", "template", "parser", "engine", "max_tokens"} <= results.versions.keys()
    assert sum(results.reasons.values()) == sum(not row["correct"] for row in rows) and results.reasons["should-call"] > 9
    kept = ("id", "category", "prompt", "text", "calls", "abstain", "correct", "reason", "tokens", "seconds")
    assert all(row.keys() >= set(kept) for row in rows)


def test_the_same_command_again_measures_nothing_again(bench: Bench) -> None:
    first = bench.run(120)
    assert bench.run(0) == first, "the script has changed, so an answer made anew would be another one"
    (bench.folder / "out" / "results.json").unlink()
    with pytest.raises(StoreError, match=r"results.json: is missing or damaged"):
        bench.run(0)


def test_an_interrupted_measurement_goes_on_and_keeps_what_was_made(bench: Bench) -> None:
    with pytest.raises(EngineError):
        bench.run(100, texts={"*": None})
    kept = (bench.folder / "out" / "completions" / "suites.jsonl").read_text(encoding="utf-8").count("\n")
    assert kept >= 90 and not (bench.folder / "out" / "results.json").exists()
    results = bench.run(0)
    assert results.n == 200 and sum(row["correct"] for row in bench.rows()) >= kept


def test_answers_of_two_models_are_never_mixed_in_one_folder(bench: Bench) -> None:
    bench.run(10)
    (bench.model / "config.json").write_text('{"other": 1}', encoding="utf-8")
    with pytest.raises(StoreError, match=r"holds a measurement of something else [(]other model[)]; give another --out"):
        bench.run(10)
    with pytest.raises(StoreError, match="other items, suite"):
        bench.model.joinpath("config.json").write_text("{}", encoding="utf-8")
        bench.run(10, limit=5)


@pytest.mark.parametrize("text", ["[1]", "null", "7", '{"x": '])
def test_a_damaged_note_of_what_was_begun_ends_in_a_sentence(bench: Bench, text: str) -> None:
    bench.run(10)
    (bench.folder / "out" / "begun.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"give another --out|or use another run.name or --out"):
        bench.run(10)


def test_a_folder_with_other_things_in_it_is_left_alone(bench: Bench) -> None:
    (bench.folder / "out").mkdir()
    (bench.folder / "out" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError, match="is not empty and holds no measurement"):
        bench.run(1)
    assert (bench.folder / "out" / "thesis.txt").read_text(encoding="utf-8") == "x"


def test_a_model_that_changes_while_it_is_measured_gets_no_score_and_loses_no_answer(bench: Bench) -> None:
    def change(event: object) -> None:
        if getattr(event, "what", "") == "model" and getattr(event, "done", 0) == 200:
            (bench.model / "config.json").write_text('{"changed": 1}', encoding="utf-8")

    with listening(change), pytest.raises(ModelError, match="was changed while it was measured"):
        bench.run(10)
    assert len(bench.rows()) == 200 and not (bench.folder / "out" / "results.json").exists()
    with pytest.raises(StoreError, match=r"something else [(]other model[)]"):
        bench.run(10)


def test_a_model_that_cannot_say_the_answer_in_its_question_is_warned_about(bench: Bench, notes: list[str]) -> None:
    assert not bench.run(10, texts={"smoke": ["hello"]}).smoke
    assert any("does not solve the smoke item" in note for note in notes)


def test_a_suite_whose_own_answers_score_as_wrong_measures_nothing(bench: Bench) -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}
    # No answer of this length is read.
    wrong = {"name": "f", "arguments": {"x": {"values": ["x" * 2_000_000]}}}
    item = {"id": "a", "category": "c", "messages": [{"role": "user", "content": "q"}], "tools": [tool], "admissible": [[wrong]]}
    file = bench.folder / "mine.jsonl"
    file.write_text(json.dumps(item), encoding="utf-8")
    with pytest.raises(DataError, match="no item of c scores as right when its own right answer is given"):
        bench.run(1, suite=str(file))
    assert not (bench.folder / "out" / "completions").exists()


def test_items_that_nobody_can_solve_are_named_and_one_s_own_file_is_refused(bench: Bench, notes: list[str]) -> None:
    tool = {"name": "f", "parameters": {"type": "object", "properties": {"x": {}}}}
    rows = [
        {"id": name, "category": "c", "messages": [{"role": "user", "content": "q"}], "tools": [tool],
         "admissible": [[{"name": "f", "arguments": {"x": {"values": [value]}}}]]}
        for name, value in (("long", "x" * 2_000_000), ("list in an object", {"k": []}), ("short", "x"))
    ]  # fmt: skip
    file = bench.folder / "mine.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert bench.run(1, suite=str(file)).n == 3
    assert any("1 item scores as wrong when the own right answer is given: long (too-large); no model" in n for n in notes)
    with pytest.raises(DataError, match=r"mine.jsonl: suite own: 1 item scores as wrong .* correct them"):
        add("own", file, bench.folder / "runs", replace=False)


def test_a_suite_of_trained_queries_is_refused_with_the_list_unless_allowed(bench: Bench) -> None:
    lines = (Path(__file__).parents[2] / "configs/seeds/bootstrap.jsonl").read_text(encoding="utf-8").splitlines()[:3]
    file = bench.folder / "mine.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="3 queries of suite mine stand in training data too: bootstrap-0001"):
        bench.run(1, suite=str(file))
    assert bench.run(1, suite=str(file), allow_shared=True).n == 3


def test_a_limit_keeps_the_shares_of_the_categories(bench: Bench) -> None:
    results = bench.run(200, limit=40)
    shares = {"single": 16, "choice": 8, "parallel": 6, "no_tool": 6, "missing": 4}
    assert {c: r.n for c, r in results.categories.items()} == shares


def test_tools_that_a_model_makes_are_judged_by_whether_the_calls_can_be_written(bench: Bench) -> None:
    calls = [i for i in GATE if i.admissible]
    good, bad = calls[0], calls[1]
    texts: dict[str, Any] = {f"make/gate/{good.id}": ["\n".join(_definition(i, good) for i in range(len(good.admissible or ())))]}
    texts[f"make/gate/{bad.id}"] = [json.dumps({"name": "nothing", "description": "Does nothing at all.", "parameters": {
        "type": "object", "properties": {}}})]  # fmt: skip
    results = bench.run(0, texts=texts, make=True)
    rows = {row["id"]: row for row in bench.rows("made.jsonl")}
    assert len(rows) == len(calls) == (results.made_valid.n if results.made_valid else 0)
    assert (rows[good.id]["valid"], rows[good.id]["writable"]) == (True, True)
    assert (rows[bad.id]["valid"], rows[bad.id]["writable"]) == (True, False)
    assert rows[calls[2].id]["reason"] == "bad-json"


def _definition(number: int, item: SuiteItem) -> str:
    """The called tool under other names."""
    assert item.admissible
    tool = next(t for t in item.tools if t.name == item.admissible[0][0].name)
    renamed = {f"p{i}": schema for i, schema in enumerate(tool.properties.values())}
    names = {name: f"p{i}" for i, name in enumerate(tool.properties)}
    parameters = {"type": "object", "properties": renamed, "required": [names[n] for n in tool.required]}
    return json.dumps({"name": f"made_{number}", "description": "Some made tool.", "parameters": parameters})


def test_two_measurements_are_compared_item_by_item(bench: Bench) -> None:
    bench.run(120, "a")
    bench.run(100, "b")
    found = compare(str(bench.folder / "a"), str(bench.folder / "b"), "gate", bench.folder)
    flipped = [i.id for i in GATE[100:120]]
    won = [i for c in found.categories for i in c.won]
    assert found.overall.losses == 0 and set(won) <= set(flipped) and found.overall.wins == len(
        [i for i in GATE[100:120] if i.admissible])  # fmt: skip
    assert found.differences == () and {g.category: g.n for g in found.groups} == {"all calls": 150, "all abstentions": 50}
    with pytest.raises(DataError, match="is neither the --out folder"):
        compare(str(bench.folder / "c"), str(bench.folder / "b"), "gate", bench.folder)
    bench.run(10, "small", limit=10)
    with pytest.raises(DataError, match="different items"):
        compare(str(bench.folder / "a"), str(bench.folder / "small"), "gate", bench.folder)


def test_what_is_printed_has_totals_why_answers_are_wrong_and_what_flipped(bench: Bench) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120)
    results = bench.run(120, "a")
    bench.run(100, "b")
    print_results(results, bench.folder / "a", console)
    found = compare(str(bench.folder / "a"), str(bench.folder / "b"), "gate", bench.folder)
    print_comparison(found.overall, found.categories, found.groups, found.differences, console)
    said = out.getvalue()
    assert f"call accuracy: 58.7 (51–66) %, {results.call.correct} of 150" in said
    assert f"why wrong: should-call {results.reasons['should-call']}, wrong-reason" in said
    assert "all calls" in said and "all abstentions" in said
    assert f"A minus B: {found.overall.gain * 100:+.1f} points" in said and "the interval lies above 0" in said
    ids = [f"{one} ({c.category})" for c in found.categories for one in c.won]
    assert f"Only A has right: {', '.join(ids[:8])} and {len(ids) - 8} more (--json names all)" in said


def test_two_measurements_cannot_write_into_one_folder_at_once(bench: Bench) -> None:
    problems: list[BaseException] = []

    def second() -> None:
        try:
            bench.run(1)
        except SelfImproveError as error:
            problems.append(error)

    def start(event: object) -> None:
        if getattr(event, "what", "") == "smoke item" and not problems:
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()

    with listening(start):
        bench.run(1)
    assert "is being worked on" in str(problems[0])


def test_models_of_a_run_are_compared_by_name(bench: Bench, run: Layout) -> None:
    script = bench.folder / "script.json"
    for number, right in ((0, 60), (1, 90)):
        answers = {f"gate/{i.id}": [write(gold(i))] for i in GATE[:right]}
        script.write_text(json.dumps({"*": ["I would rather not."], **answers}), encoding="utf-8")
        settings = ["engine.kind=scripted", f"engine.script={script}", "evaluate.gate_items=200"]
        found = read_champion(run)
        assert found is not None
        change = found.history[number]
        model = Model(name=change.name, path=bench.model, digest=change.digest)
        evaluate_models(Round(run, number, load([], settings).value), "evaluate", model, ["gate"])
    compared = compare("mine/champion", "mine/bootstrap", "gate", run.folder)
    assert (compared.overall.a, compared.overall.b, compared.overall.losses) == ("round-001", "bootstrap", 0)
    assert compared.overall.wins == len([i for i in GATE[60:90] if i.admissible]) and compared.differences == ()
    for wanted, suite, why in (
        ("mine/round-002", "gate", "round-002 was not measured on gate"), ("mine/base", "gate", "base was not measured"),
        ("mine/champion", "test", "round-001 was not measured on test"), ("mine", "gate", "nor RUN/MODEL"),
        ("other/base", "gate", "nor RUN/MODEL"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=why):
            compare(wanted, "mine/bootstrap", suite, run.folder)


@pytest.fixture
def run(tmp_path: Path) -> Layout:
    """A run with a bootstrap and two rounds, of which the first was adopted."""
    layout = Layout.of(tmp_path, "mine")
    base = Model(name="base", path=tmp_path, digest="b" * 16)
    write_json(layout.card, {"base": base.model_dump(mode="json")})
    for number, name in enumerate(("bootstrap", "round-001", "round-002")):
        path = layout.round(number) / "train" / "model"
        path.mkdir(parents=True)
        for file, text in (("config.json", "{}"), ("tokenizer.json", "{}"), ("model.safetensors", name)):
            (path / file).write_text(text, encoding="utf-8")
        (path / "selfimprove.json").write_text('{"family": "selfimprove"}', encoding="utf-8")
        if number < 2:
            promote(layout, Model(name=name, path=path, digest=f"{number}" * 16), number)
    return layout


def current(layout: Layout) -> str:
    found = read_champion(layout)
    assert found is not None
    return found.current.name


def test_a_champion_can_be_rolled_back_and_the_history_keeps_all(run: Layout) -> None:
    assert "bootstrap is the champion of mine again, was round-001" in go_back("mine", "", run.folder)
    assert current(run) == "bootstrap"
    with pytest.raises(StoreError, match="bootstrap follows no earlier champion; there are: none"):
        go_back("mine", "", run.folder)
    assert "round-002 is the champion of mine by hand, was bootstrap" in adopt("mine", "round-002", run.folder)
    found = read_champion(run)
    assert found is not None and [(c.name, c.by) for c in found.history] == [
        ("bootstrap", "gate"), ("round-001", "gate"), ("bootstrap", "rollback"), ("round-002", "hand"),
    ]  # fmt: skip
    assert [c.name for c in lineage(found)] == ["bootstrap", "round-002"]


def test_a_rollback_by_name_goes_further_back(run: Layout) -> None:
    adopt("mine", "round-002", run.folder)
    with pytest.raises(StoreError, match="follows no earlier champion named round-007; there are: bootstrap, round-001"):
        go_back("mine", "round-007", run.folder)
    go_back("mine", "bootstrap", run.folder)
    assert current(run) == "bootstrap"


def test_a_model_that_is_gone_cannot_become_champion_again(run: Layout) -> None:
    (run.round(0) / "train" / "model").rename(run.root / "moved")
    with pytest.raises(StoreError, match="is not there any more, so the champion stays"):
        go_back("mine", "", run.folder)
    assert current(run) == "round-001"
    (run.root / "moved").rename(run.round(0) / "train" / "model")
    write_json(run.round(0) / "train" / "model" / "config.json", {})
    for file in (run.round(0) / "train" / "model").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(StoreError, match=r"weights of bootstrap were removed \(run.keep_models\), so the champion stays"):
        go_back("mine", "", run.folder)
    assert current(run) == "round-001"


def test_a_foreign_model_can_be_promoted_and_the_champion_not_twice(run: Layout, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    (run.round(2) / "train" / "model").rename(foreign)
    adopt("mine", str(foreign), run.folder)
    assert current(run).startswith("hand-")
    with pytest.raises(StoreError, match="has the content of the champion already"):
        adopt("mine", str(foreign), run.folder)
    with pytest.raises(ModelError, match="is not a directory"):
        adopt("mine", "round-009", run.folder)
    with pytest.raises(StoreError, match="is neither base, bootstrap, a round"):
        adopt("mine", "best", run.folder)
    with pytest.raises(StoreError, match="holds no run"):
        adopt("other", "base", run.folder)
