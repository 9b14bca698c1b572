"""Summary, table and report say what is on disk, escape what a model wrote, and work on a run in any state."""

import io
import json
import re
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from selfimprove.observe.report import render_report, write_report
from selfimprove.observe.samples import draw_cards
from selfimprove.observe.signature import answer_text, signature
from selfimprove.observe.summary import summarize
from selfimprove.observe.table import print_table
from selfimprove.records import Answer, Attempt, Call, Message, Row, Sample, Tool, Verdict
from selfimprove.store import jsonl
from selfimprove.store.champion import Model, promote
from selfimprove.store.layout import Layout, write_json

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'>\x1b[31m\u202e{{ 7 * 7 }}"
TOOL = Tool(
    name="get_weather", description="Weather of a city.",
    parameters={
        "type": "object", "required": ["city"],
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"], "default": "c"}, "days": {"type": "integer"}},
    },
)  # fmt: skip


def score(correct: int, n: int) -> dict[str, float]:
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "low": max(0, correct / n - 0.12),
        "high": min(1, correct / n + 0.12),
    }


def results(folder: Path, suite: str, model: str, call: int, abstention: int) -> None:
    kinds = {"single": score(call // 2, 20), "parallel": score(call - call // 2, 28), "no_tool": score(abstention, 16)}
    write_json(folder / f"{suite}.results.json", {
        "suite": suite, "model": model, "digest": "d", "n": 64, "call": score(call, 48), "abstention": score(abstention, 16),
        "kinds": kinds, "truncated": 1,
    })  # fmt: skip


def finish(folder: Path, seconds: float, **counts: float) -> None:
    write_json(
        folder / "manifest.json",
        {"stage": folder.name, "counts": counts, "seconds": seconds, "digest": "d", "key": "k"},
    )


def begin(layout: Layout, number: int) -> Path:
    plan = {"bootstrap/train": 200, "round/generate": 120, "round/train": 90, "final/evaluate": 60}
    folder = layout.round(number)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"run": {"experiment": "trial"}, "plan": plan}))
    return folder


def train(folder: Path, steps: int, loss: float) -> None:
    rows = [
        {"step": i, "loss": loss / (1 + i / 4), "learning_rate": 1e-4, "tokens": 500, "seconds": 2.0}
        for i in range(1, steps + 1)
    ]
    jsonl.write(folder / "train" / "train.jsonl", rows)
    finish(folder / "train", 188.0, rows=8 * steps, left_out=1, steps=steps)


def decide(layout: Layout, number: int, promoted: bool, gain: float) -> None:
    name = "bootstrap" if number == 0 else f"round-{number:03d}"
    folder = layout.round(number) / "decide"
    write_json(folder / "decision.json", {
        "round": number, "champion": "base", "challenger": name, "promoted": promoted, "gain": gain, "low": gain - 0.1,
        "interval": [gain - 0.1, gain + 0.1], "n": 48, "wins": 9, "losses": 3, "detectable": 0.12,
        "vetoes": [] if promoted else ["abstention"], "sentence": f"{name} was {'adopted' if promoted else 'not adopted'}.",
    })  # fmt: skip
    finish(folder, 0.1)
    if promoted:
        promote(layout, Model(name=name, path=Path("m"), digest="d"), number)


def bootstrap(layout: Layout) -> None:
    folder = begin(layout, 0)
    results(folder / "evaluate-base", "gate", "base", 0, 16)
    results(folder / "evaluate", "gate", "bootstrap", 20, 10)
    train(folder, 15, 2.4)
    for stage, seconds in (("evaluate-base", 40), ("select", 1), ("evaluate", 41)):
        finish(folder / stage, seconds)
    decide(layout, 0, True, 0.4)


def generate(folder: Path, problems: int, text: str) -> None:
    paris = Answer(calls=(Call(name="get_weather", arguments={"city": "Paris"}),))
    samples, attempts, judged = [], [], []
    for i in range(problems):
        status = ("accepted", "rejected", "unknown")[i % 3]
        known = i % 2 == 0
        samples.append(Sample(
            id=f"p{i}", query=f"{text} What is the weather in Paris, number {i}?", tools=(TOOL,), answer=paris if known else None,
            source="request" if known else "make",
        ))  # fmt: skip
        for index in range(-1, 4):
            parsed = paris if (index + i) % 3 else None
            attempts.append(Attempt(
                sample=f"p{i}", index=index, text=f'get_weather(city="Paris") {text}', answer=parsed,
                problem=None if parsed else "no-json",
            ))  # fmt: skip
        verdict = Verdict(
            subject=f"p{i}", status=status, layer="" if status == "accepted" else "grounding",
            reasons=() if status == "accepted" else ("value-not-in-query",),
        )  # fmt: skip
        judged.append({
            "sample": f"p{i}", "source": samples[-1].source, "kind": "single", "verdict": verdict.model_dump(mode="json"),
            "answer": paris.model_dump(mode="json"), "correct": 2, "k": 4, "agreement": 0.75, "near_miss": False,
        })  # fmt: skip
    proposals = [
        {"id": f"{sub}/{i}", "subtask": sub, "prompt": f"{text} make {i}", "text": f"[{text}]",
         "problem": None if i % 2 else "no-list"}
        for sub in ("make", "request") for i in range(problems // 2)
    ]  # fmt: skip
    jsonl.write(folder / "generate" / "problems.jsonl", samples)
    jsonl.write(folder / "generate" / "attempts.jsonl", attempts)
    jsonl.write(folder / "generate" / "proposals.jsonl", proposals)
    jsonl.write(folder / "verify" / "judged.jsonl", judged)


def round_(layout: Layout, number: int, *, promoted: bool = True, problems: int = 60, text: str = "") -> None:
    folder = begin(layout, number)
    write_json(folder / "selftest" / "selftest.json", {"truths": 9, "cases": 90, "kinds": {}, "rates": {
        "attacks": score(0, 50), "wrong-accepted": score(1, 30), "right-rejected": score(0, 40)}})  # fmt: skip
    finish(folder / "selftest", 2.0)
    generate(folder, problems, text)
    finish(folder / "generate", 131.0, problems=problems, attempts=problems * 5, generated_tokens=9000)
    for stage, log, seconds in (
        ("generate", "engine-0.log", 90.0), ("train", "train.log", 180.0), ("evaluate", "engine-0.log", 90.0),
    ):  # fmt: skip
        jsonl.write(folder / stage / "log" / "children.jsonl", [{"log": log, "seconds": seconds}])
    finish(
        folder / "verify", 3.0, judged=problems, accepted=problems // 3, rejected=problems // 3, unknown=problems // 3, oracle=8,
        oracle_accepted=5, oracle_right=4,
    )  # fmt: skip
    rows = [
        Row(
            id=f"r{i}", subtask="use", messages=(Message(role="user", content="q"),), target="t",
            kind=("single", "parallel")[i % 2],
            origin=("replay", "learnable-request", "make", "frontier-seed")[i % 4],
        )
        for i in range(64)
    ]  # fmt: skip
    jsonl.write(folder / "select" / "rows.jsonl", rows)
    write_json(folder / "select" / "bands.json", {"mastered": 10, "learnable": 30, "frontier": 5})
    finish(folder / "select", 0.4, rows=64)
    train(folder, 8, 1.1)
    results(folder / "evaluate", "gate", f"round-{number:03d}", 22 + 3 * number, 11)
    results(folder / "evaluate", "canaries", f"round-{number:03d}", 6, 2)
    finish(folder / "evaluate", 39.0, generated_tokens=1000)
    decide(layout, number, promoted, 0.06)


def final(layout: Layout, number: int, champion: str) -> None:
    for name, call in (("base", 0), ("bootstrap", 19), (champion, 26)):
        results(layout.final(number) / "evaluate" / name, "test", name, call, 9)
    finish(layout.final(number) / "evaluate", 55.0)
    write_json(layout.final(number) / "comparison.json", [
        {"suite": "test", "a": champion, "b": "base", "n": 48, "gain": 0.54, "low": 0.4, "high": 0.68, "wins": 26, "losses": 0},
        {"suite": "test", "a": champion, "b": "bootstrap", "n": 48,
         "gain": 0.146, "low": -0.01, "high": 0.3, "wins": 10, "losses": 3},
    ])  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A finished run: bootstrap, an adopted round, a round that was not adopted, the test suite."""
    return make_run(tmp_path)


def make_run(folder: Path, text: str = "") -> Layout:
    layout = Layout(folder, "demo")
    write_json(layout.card, {
        "name": "demo", "created": "2026-11-22T13:00:00", "model": "embedded", "seed": 7,
        "set": {"run.rounds": "configs/demo.yaml", "run.seed": "override run.seed=7"},
    })  # fmt: skip
    bootstrap(layout)
    round_(layout, 1, text=text)
    round_(layout, 2, promoted=False, text=text)
    final(layout, 2, "round-001")
    return layout


def table(layout: Layout) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    print_table(summarize(layout), console)
    return console.export_text()


def test_summary_reads_every_figure(layout: Layout) -> None:
    summary = summarize(layout)
    assert [m.name for m in summary.models] == ["base", "bootstrap", "round-001", "round-002"]
    assert summary.finished and summary.champion == "round-001" and summary.experiment == "trial"
    base, boot, first, second = summary.models
    assert base.gate.call and base.gate.call.correct == 0 and base.trained is None
    assert boot.trained == 120 and boot.made is None and boot.test.call and boot.test.call.correct == 19
    assert (first.made, first.accepted, first.trained, first.champion) == (60, 20, 64, True)
    assert second.test.call is None and second.gate.call and second.gate.call.correct == 28
    funnel = summary.funnels[1]
    assert (funnel.parsed, funnel.fresh, funnel.replay, funnel.reasons) == (60, 48, 16, {"value-not-in-query": 40})
    assert summary.oracle[0].precision == 0.8 and summary.oracle[0].recall == 0.5
    times = {(t.group, t.round, t.stage): (t.planned, t.spent) for t in summary.stages}
    assert times["round", 1, "generate"] == (120, 131) and times["round", 1, "verify"] == (None, 3)
    assert times["final", 2, "evaluate"] == (60, 55)
    assert summary.model_validate_json(summary.model_dump_json()) == summary


def test_table_and_report_show_what_is_on_disk(layout: Layout) -> None:
    before = table(layout)
    assert max(len(line) for line in before.splitlines()) <= 100
    assert "52.1 (40–64)" in before and "Champion (round-001) minus base: +54.0 points" in before
    results(layout.round(1) / "evaluate", "gate", "round-001", 31, 11)
    assert "52.1 (40–64)" not in table(layout) and "64.6 (53–77)" in table(layout)
    assert "64.6 <small>53–77</small>" in write_report(layout).read_text()


def test_what_a_gain_cost_is_counted_in_device_hours_and_tokens(layout: Layout) -> None:
    """Six minutes of children, 10,000 tokens: gain in points over 0.1 hours and over ten thousands of tokens."""
    first = summarize(layout).returns[0]
    decision = next(d for d in summarize(layout).decisions if d.round == first.round)
    assert first.device_hours == pytest.approx(0.1) and first.generated_tokens == 10_000
    assert first.per_device_hour == pytest.approx(decision.gain * 1000)
    assert first.per_1000_tokens == pytest.approx(decision.gain * 10)
    spec = {"device": "cuda", "tensor_parallel": 4}
    write_json(layout.round(1) / "generate" / "log" / "engine-0.json", spec)
    assert summarize(layout).returns[0].device_hours == pytest.approx((4 * 90 + 180 + 90) / 3600)
    page = render_report(summarize(layout), [])
    assert "What the gain cost" in page and "generated tokens / 1,000" in page


def test_the_more_challengers_meet_one_gate_the_more_luck_is_admitted(layout: Layout) -> None:
    """Each decision alone errs in 5 % of cases; whoever asks twenty times is lucky once."""
    summary = summarize(layout)
    contests = [d for d in summary.decisions if d.n]
    assert summary.lucky == pytest.approx(1 - 0.95 ** len(contests)) and len(contests) > 1
    told = f"{len(contests)} challengers have met the same gate items"
    assert told in render_report(summary, []) and told in " ".join(table(layout).split())


def test_every_column_is_defined(layout: Layout) -> None:
    shown = table(layout)
    for name in (
        "gate call",
        "gate abstain",
        "test call",
        "made",
        "accepted",
        "trained",
        "decision",
        "planned",
        "spent",
    ):
        assert re.search(rf"^ {name}  +\S", shown, re.MULTILINE), name


def test_report_stands_alone(layout: Layout) -> None:
    page = write_report(layout).read_text()
    assert not re.search(r"\b(src|href|srcset|action)\s*=|url\(|@import|<link|<iframe|https?://", page)
    assert page.count("<script>") == page.count("</script>") == 1 and page.count('class="card"') == 60
    assert "unfinished" not in page.split("</style>")[1].split("<h2>Samples")[0].replace("(yet)", "")


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    layout = make_run(tmp_path, text=HOSTILE)
    decision = json.loads((layout.round(1) / "decide/decision.json").read_text())
    write_json(layout.round(1) / "decide/decision.json", {**decision, "sentence": HOSTILE})
    results(layout.final(2) / "evaluate" / "<b>", "test", "<b>", 1, 1)
    page = write_report(layout).read_text()
    assert "<img" not in page and "<script>alert" not in page and "<b>:" not in page and "onerror=alert(2)&gt;" in page
    assert "\x1b" not in page and "\u202e" not in page and "{{ 7 * 7 }}" in page
    assert "\x1b" not in table(layout) and "\u202e" not in table(layout)


def test_unfinished_run_says_so(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "demo")
    assert summarize(layout).unfinished == ("no round was begun",)
    assert "no round was begun" in write_report(layout).read_text()
    bootstrap(layout)
    generate(begin(layout, 1), 6, "")
    with (layout.round(1) / "generate/attempts.jsonl").open("a") as file:
        file.write('{"sample": "p0", "ind')
    torn = (layout.round(1) / "generate/attempts.jsonl").read_bytes()
    jsonl.append(layout.round(1) / "generate/times.jsonl", [{"seconds": 12.5}])
    summary = summarize(layout)
    assert not summary.finished and "round 1: generate is not finished" in summary.unfinished
    assert "round 1: train is not begun" in summary.unfinished
    assert summary.models[2].made == 6 and summary.models[2].gate.call is None
    assert next(t.spent for t in summary.stages if (t.round, t.stage) == (1, "generate")) == 12.5
    assert "This run is unfinished." in write_report(layout).read_text() and "Unfinished: round 1" in table(layout)
    assert (layout.round(1) / "generate/attempts.jsonl").read_bytes() == torn, "reading must never change a file"


def test_samples_are_spread_and_repeatable(layout: Layout) -> None:
    cards = draw_cards(layout, 60)
    assert cards == draw_cards(layout, 60) and len(cards) == 60
    assert {card.round for card in cards} == {1, 2} and {card.sort for card in cards} == {
        "problem",
        "tool list",
        "request",
    }
    assert {card.status for card in cards} == {"accepted", "rejected", "unknown"}
    problem = next(card for card in cards if card.sort == "problem" and card.status == "rejected")
    assert problem.tools == ('get_weather(city: string, unit: "c" | "f" = "c", days?: integer)',)
    assert problem.attempts[0].name == "greedy" and problem.reasons == ("value-not-in-query",)
    assert problem.facts == "agreement 75%, 2 of 4 right"


def test_signatures_take_anything() -> None:
    assert signature({"name": "f", "parameters": {"properties": {"x": 3, "y": {"type": ["array", "null"]}}}}) == (
        "f(x?: any, y?: array | null)"
    )
    assert signature("rubbish") == '"rubbish"'
    assert answer_text({"abstain": "missing", "missing": ["city"]}) == "missing value: city" and answer_text(None) == ""


def test_long_text_is_cut_with_a_word(layout: Layout) -> None:
    card = draw_cards(layout, 1)[0].model_copy(update={"prompt": "x" * 5000})
    assert "… (3,000 more characters)" in render_report(summarize(layout), [card])
