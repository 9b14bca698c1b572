"""Writes one JSON Schema for each file format beside this module: from the record where there is one.

    python -m selfimprove.schemas.make [--check]

`SCHEMAS` is the table: name of the schema, the files it describes, where it comes from. What this is not: the validation
that the commands do; they read records, and say in one sentence what is wrong.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from selfimprove.config import Config
from selfimprove.engine.settings import Spec as EngineSpec
from selfimprove.observe.figures import RunSummary
from selfimprove.records import (
    Attempt,
    Checked,
    Compared,
    Comparison,
    Completion,
    Decision,
    Fault,
    Judged,
    Judgement,
    MadeTools,
    Output,
    Plan,
    Proposal,
    Request,
    Results,
    Row,
    Sample,
    SelfTest,
    SuiteItem,
)
from selfimprove.schemas import handwritten
from selfimprove.store.adapter import Card as AdapterCard
from selfimprove.store.champion import Champion, Model
from selfimprove.store.starts import Start
from selfimprove.tools.registry import Card
from selfimprove.train.resume import Checkpoint
from selfimprove.train.spec import Spec as TrainSpec

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: dict[str, tuple[str, Any]] = {
    "config": ("configs/*.yaml, round-NNN/config.yaml", Config),
    "tools": ("tools.jsonl", handwritten.TOOLS),
    "queries": ("queries.jsonl", handwritten.QUERIES),
    "samples": ("bootstrap, curriculum, oracle, gate, test and canaries .jsonl", Sample),
    "suite": ("suites: general.jsonl, suites/NAME.jsonl, evaluate --suite FILE.jsonl", SuiteItem),
    "registered": ("suites/NAME.json", Card),
    "run": ("run.json", handwritten.RUN),
    "starts": ("starts.json", list[Start]),
    "champion": ("champion.json", Champion),
    "start": ("round-NNN/start.json", Model),
    "manifest": ("manifest.json of every stage", handwritten.MANIFEST),
    "times": ("times.jsonl of every stage", handwritten.TIMES),
    "children": ("children.jsonl beside the logs", handwritten.CHILDREN),
    "requests": ("rows that an engine worker reads", Request),
    "completions": ("completions/*.jsonl", Completion),
    "engine": ("log/engine-N.json", EngineSpec),
    "verify_row": ("rows that `selfimprove verify` reads", handwritten.VERIFY_ROW),
    "verdict_row": ("verdicts that `selfimprove verify` writes", handwritten.VERDICT_ROW),
    "plan": ("generate/plan.json", Plan),
    "proposals": ("generate/proposals.jsonl", Proposal),
    "problems": ("generate/problems.jsonl", Sample),
    "attempts": ("generate/attempts.jsonl", Attempt),
    "selftest": ("selftest/selftest.json", SelfTest),
    "faults": ("selftest/faults.jsonl", Fault),
    "judged": ("verify/judged.jsonl", Judged),
    "checked": ("verify/checked.jsonl", Checked),
    "judgements": ("verify/judgements.jsonl", Judgement),
    "rows": ("select/rows.jsonl", Row),
    "bands": ("select/bands.json", handwritten.BANDS),
    "training": ("train/spec.json", TrainSpec),
    "steps": ("train/train.jsonl", handwritten.STEPS),
    "checkpoint": ("train/checkpoint.json", Checkpoint),
    "rejected": ("train/rejected.json", handwritten.REJECTED),
    "left_out": ("train/left_out.jsonl", handwritten.LEFT_OUT),
    "adapter": ("adapter.json of a model that is kept as a LoRA adapter", AdapterCard),
    "trained": ("train/result.json", handwritten.TRAINED),
    "selfimprove": ("selfimprove.json of a model directory", handwritten.FAMILY),
    "outputs": ("evaluate/SUITE.outputs.jsonl, OUT/outputs.jsonl", Output),
    "results": ("evaluate/SUITE.results.json, OUT/results.json", Results),
    "made": ("OUT/made.jsonl", MadeTools),
    "latency": ("evaluate/SUITE.latency.json, OUT/latency.json", handwritten.LATENCY),
    "begun": ("OUT/begun.json", handwritten.BEGUN),
    "decision": ("decide/decision.json", Decision),
    "comparison": ("final-NNN/comparison.json", list[Comparison]),
    "status": ("what `selfimprove status RUN --json` prints", RunSummary),
    "compared": ("what `selfimprove compare A B --json` prints", Compared),
    "ask": ("what `selfimprove ask` prints", handwritten.ASK),
}


def schema(name: str) -> dict[str, Any]:
    """The schema of one format. Raises KeyError for a name that is not in the table."""
    files, source = SCHEMAS[name]
    found = dict(source) if isinstance(source, dict) else _of_record(source)
    if name == "completions":
        found = _with_key(found)
    return {"$schema": DIALECT, **found, "title": name, "description": f"{files}. Keys: docs/formats.md"}


def _of_record(source: Any) -> dict[str, Any]:
    made = source.model_json_schema() if _is_record(source) else TypeAdapter(source).json_schema()
    return dict(made)


def _is_record(source: Any) -> bool:
    return isinstance(source, type) and issubclass(source, BaseModel)


def _with_key(found: dict[str, Any]) -> dict[str, Any]:
    """A completion on disk carries the content key of its request."""
    return {
        **found,
        "properties": {"key": handwritten.DIGEST, **found["properties"]},
        "required": ["key", *found["required"]],
    }


def text(name: str) -> str:
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def stale() -> list[str]:
    """Names of the schemas whose file is missing or differs, and of files that no format has."""
    wrong = [n for n in SCHEMAS if not (file := FOLDER / f"{n}.json").exists() or file.read_text(encoding="utf-8") != text(n)]
    return wrong + sorted(file.stem for file in FOLDER.glob("*.json") if file.stem not in SCHEMAS)


def main() -> None:
    if "--check" in sys.argv[1:]:
        found = stale()
        if found:
            sys.exit(f"selfimprove/schemas: {', '.join(found)} out of date; run `python -m selfimprove.schemas.make`")
        return
    for file in FOLDER.glob("*.json"):
        if file.stem not in SCHEMAS:
            file.unlink()
    for name in SCHEMAS:
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
