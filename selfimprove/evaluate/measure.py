"""One model's greedy answers to suites: the one path for rounds, for the test suite, and for `selfimprove evaluate`.

    results = measure(Job(model, config.engine, max_tokens=96), {"gate": suite}, folder, stage="evaluate")
    results["gate"].call.accuracy

Writes SUITE.outputs.jsonl, SUITE.results.json and SUITE.latency.json for each suite; completions are streamed beside them, so
that a measurement that was ended goes on where it was. Before the suites the model gets a smoke item, and every suite's own
right answers must score as right: an accuracy of 0 is then the model's and not the format's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from selfimprove.config.model import Engine as EngineConfig
from selfimprove.engine import Engine, complete_to_file, open_engine
from selfimprove.evaluate.check import check_gold, hopeless
from selfimprove.evaluate.compare import call_items
from selfimprove.evaluate.made import judge
from selfimprove.evaluate.metrics import abstain_precision, abstain_recall, overlaps, rate_of
from selfimprove.evaluate.score import score
from selfimprove.evaluate.versions import versions_of
from selfimprove.events import Note, emit
from selfimprove.records import Call, Completion, MadeTools, Message, Output, Rate, Request, Results, SuiteItem, Tool, digest
from selfimprove.store import jsonl
from selfimprove.store.champion import Model
from selfimprove.store.layout import write_json
from selfimprove.subtasks import make, use
from selfimprove.tools.suite import Suite

SMOKE = Request(
    id="smoke", messages=use.with_instruction((Message(role="user", content='Call the tool ping with the text "hello".'),)),
    tools=(Tool(name="ping", description="Send a text.", parameters={
        "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}),),
)  # fmt: skip
"""The answer stands in the question: a model that cannot say it will be right nowhere, or is prompted in a wrong format."""
SMOKE_CALL = Call(name="ping", arguments={"text": "hello"})


@dataclass(frozen=True)
class Job:
    model: Model
    engine: EngineConfig
    max_tokens: int
    """Longest answer."""
    make: int = 0
    """Also ask for tool lists for the queries of call items, of at most this many tokens (0: do not)."""


def measure(
    job: Job, suites: Mapping[str, Suite], folder: Path, stage: str, *, prefix: bool = True, engine: Engine | None = None
) -> dict[str, Results]:
    """Suite -> results. `engine`: one that is open already (default: the job's own, opened when something is owed).
    `prefix`: files begin with the suite's name.

    Raises DataError for a suite whose own right answers score as wrong, EngineError when the engine dies.
    """
    for suite in suites.values():
        if wrong := check_gold(suite, versions_of(job.model.path, suite, job.engine, job.max_tokens)["syntax"]):
            emit(Note(f"{hopeless(suite, wrong)}; no model can be right there", "warning"))
    requests = [request_of(name, item, job.max_tokens) for name, suite in suites.items() for item in suite.items]
    stream = folder / "completions"
    with engine or open_engine(job.engine, job.model.path, folder / "log") as opened:

        def complete(requests: list[Request], file: str, what: str) -> list[Completion]:
            return complete_to_file(lambda: nullcontext(opened), requests, stream / file, stage=stage, what=what)

        solved = _solved(complete([_smoke(job)], "smoke.jsonl", "smoke item")[0], job.model.name)
        answers = {c.request: c for c in complete(requests, "suites.jsonl", job.model.name)}
        asked = [_make_request(name, i, job.make) for name, s in suites.items() for i in s.items if job.make and i.admissible]
        made = {c.request: c for c in complete(asked, "made.jsonl", "tool lists")} if asked else {}
    found = {}
    for name, suite in suites.items():
        outputs = [score(item, answers[f"{name}/{item.id}"], suite.profile) for item in suite.items]
        lists = [judge(i, c.text, c.finish) for i in suite.items if (c := made.get(f"make/{name}/{i.id}"))]
        found[name] = summarise(suite, job, outputs, solved, lists)
        _write(folder, f"{name}." if prefix else "", found[name], outputs, lists)
    return found


def request_of(name: str, item: SuiteItem, max_tokens: int) -> Request:
    """What the engine is asked for an item of a suite."""
    messages = use.with_instruction(item.messages) if item.tools else item.messages
    return Request(id=f"{name}/{item.id}", messages=messages, tools=item.tools, max_tokens=max_tokens)


def _make_request(name: str, item: SuiteItem, max_tokens: int) -> Request:
    return Request(id=f"make/{name}/{item.id}", messages=make.prompt(item.query), max_tokens=max_tokens)


def _smoke(job: Job) -> Request:
    return SMOKE.model_copy(update={"max_tokens": job.max_tokens})


def _solved(completion: Completion, model: str) -> bool:
    answer = use.parse(completion.text, {tool.name: tool for tool in SMOKE.tools}).answer
    solved = completion.finish == "stop" and answer is not None and answer.calls == (SMOKE_CALL,)
    if not solved:
        text = completion.text[:80] + ("..." if len(completion.text) > 80 else "")
        emit(Note(
            f"{model} does not solve the smoke item, whose answer stands in its question (it wrote {text!r}): low scores may be "
            "its format's fault; look at the outputs before believing them", "warning",
        ))  # fmt: skip
    return solved


def summarise(
    suite: Suite, job: Job, outputs: Sequence[Output], smoke: bool, lists: Sequence[MadeTools] = ()
) -> Results:
    """The figures of one suite; pure."""
    tools, arguments = overlaps(suite.items, outputs, suite.profile)
    count = max(1, len(outputs))
    return Results(
        suite=suite.name, model=job.model.name, digest=job.model.digest, n=len(outputs), call=rate_of(call_items(outputs)),
        abstention=rate_of(o for o in outputs if o.truth == "abstain"),
        general=rate_of(o for o in outputs if o.truth == "general"),
        categories={c: rate_of(o for o in outputs if o.category == c) for c in sorted({o.category for o in outputs})},
        truncated=sum(o.finish == "length" for o in outputs), too_long=sum(o.finish == "too_long" for o in outputs),
        tools=tools, arguments=arguments, abstain_precision=abstain_precision(outputs), abstain_recall=abstain_recall(outputs),
        mean_tokens=sum(o.tokens for o in outputs) / count, mean_prompt_tokens=sum(o.prompt_tokens for o in outputs) / count,
        made_valid=Rate.of(sum(m.valid for m in lists), len(lists)) if lists else None,
        made_writable=Rate.of(sum(m.writable for m in lists), len(lists)) if lists else None,
        versions=versions_of(job.model.path, suite, job.engine, job.max_tokens),
        outputs=digest([o.model_dump(mode="json", exclude={"seconds"}) for o in outputs]), smoke=smoke,
        reasons=dict(Counter(o.reason.partition(":")[0] for o in outputs if o.reason).most_common()),
    )  # fmt: skip


def _write(folder: Path, prefix: str, results: Results, outputs: Sequence[Output], lists: Sequence[MadeTools]) -> None:
    jsonl.write(folder / f"{prefix}outputs.jsonl", outputs)
    write_json(folder / f"{prefix}latency.json", latency(outputs))
    if lists:
        jsonl.write(folder / f"{prefix}made.jsonl", lists)
    write_json(folder / f"{prefix}results.json", results.model_dump(mode="json"))


def latency(outputs: Sequence[Output]) -> dict[str, float | int | None]:
    """Seconds of an answer: half of them took at most `median`, 95 % at most `p95`; null where nothing was timed."""
    known = sorted(o.seconds for o in outputs if o.seconds is not None)
    at = {"median": 0.5, "p95": 0.95, "longest": 1.0}
    found = {name: known[max(0, -(-int(share * 100) * len(known) // 100) - 1)] if known else None for name, share in at.items()}
    return {"n": len(known), **found}
