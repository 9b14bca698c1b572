"""The judge in a round: which answers it is asked about, with which model, and what it said, kept beside the verdicts.

    judgements = judged(round_, stage.path, questions(config, samples, attempts), "verify")
    judge_sample(sample, attempts, config.verify, judgements)

`judgements.jsonl` is read again by `selfimprove reverify`, which asks no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfimprove.config.model import Config
from selfimprove.engine import open_engine
from selfimprove.engine.stream import complete_to_file
from selfimprove.models import model_digest, resolve_model
from selfimprove.records import Attempt, Call, Completion, Judgement, Request, Sample, Tool
from selfimprove.store import jsonl
from selfimprove.store.round import Round
from selfimprove.verify.case import of_sample
from selfimprove.verify.judge import JUDGE_VERSION, Question, answer_id, ask, in_doubt
from selfimprove.verify.layers import judge


def is_on(config: Config) -> bool:
    return "judge" in config.verify.layers


def pinned(round_: Round) -> dict[str, Any]:
    """What the judge's verdicts rest on, as inputs of a stage; empty where there is none. Fetches the model the first time."""
    if not is_on(round_.config):
        return {}
    return {"judge": {"model": model_digest(judge_model(round_)), "version": JUDGE_VERSION}}


def judge_model(round_: Round) -> Path:
    return resolve_model(round_.config.verify.judge, round_.layout.cache).resolve()


def questions(config: Config, samples: Iterable[Sample], attempts: Mapping[str, Sequence[Attempt]]) -> list[Question]:
    """One for each different answer that grounding or coverage alone leaves in doubt; none where a reference decides."""
    found: dict[str, Question] = {}
    for sample in samples:
        if sample.answer is not None and sample.source != "oracle":
            continue
        case = of_sample(sample)
        for attempt in attempts.get(sample.id, ()):
            if attempt.answer is None or not attempt.answer.calls:
                continue
            status, layer, _ = judge(case.with_answer(attempt), config.verify.layers)
            if in_doubt(status, layer, attempt.answer.calls):
                id_ = answer_id(sample, attempt.answer)
                found.setdefault(id_, Question(id_, sample.query, sample.tools, attempt.answer.calls))
    return list(found.values())


def judged(round_: Round, folder: Path, asked: Sequence[Question], stage: str) -> dict[str, Judgement]:
    """Asks the pinned model; what it has answered before a kill is not asked again."""

    def complete(requests: Sequence[Request]) -> list[Completion]:
        model, config = judge_model(round_), round_.config
        return complete_to_file(
            lambda: open_engine(config.engine, model, folder / "log", config.run.seed), requests,
            folder / "completions" / "judge.jsonl", stage=stage, what="judged answers",
        )  # fmt: skip

    return ask(complete, asked, round_.config.verify.judge_margin) if asked else {}


def stored(folder: Path) -> dict[str, Judgement]:
    """What the judge said in a finished stage; empty where there was none."""
    file = folder / "judgements.jsonl"
    return {j.id: j for j in jsonl.read(file, Judgement, empty=True)} if file.exists() else {}


def of_row(row: Mapping[str, Any], out: Mapping[str, Any], id_: str) -> Question | None:
    """The question about a row and its verdict, in the form of `selfimprove verify`; None where the judge has no say."""
    if "reference_calls" in row or "admissible" in row or not in_doubt(out["verdict"], out["layer"], out["calls"]):
        return None
    tools = tuple(Tool.model_validate(tool) for tool in row["tools"])
    return Question(id_, row["query"], tools, tuple(Call.model_validate(call) for call in out["calls"]))
