"""What `selfimprove suites` and `selfimprove evaluate` do: register benchmarks, and measure one model on one of them.

No Prefect: an evaluation by hand is one stage. It goes on where it was ended, and what it wrote is never mixed with another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from selfimprove.config import Config, Loaded
from selfimprove.engine.settings import longest
from selfimprove.errors import DataError, ModelError, StoreError
from selfimprove.evaluate import Job, check_gold, first_items, hopeless, measure
from selfimprove.evaluate.versions import versions_of
from selfimprove.models import check_model, model_digest, resolve_model
from selfimprove.observe.progress import watching
from selfimprove.records import Results
from selfimprove.store.champion import Model
from selfimprove.store.layout import read_json, write_json
from selfimprove.store.lock import locked
from selfimprove.store.round import frozen_config
from selfimprove.store.stage import open_stage
from selfimprove.tools.bfcl_files import convert_bfcl, find_bfcl
from selfimprove.tools.data import load_data, training_texts, training_tools
from selfimprove.tools.registry import OWN, SEEDS, Card, add_suite, find_suite, registered
from selfimprove.tools.suite import Suite, read_suite, shared_with

MOST_TOKENS = 256
"""Longest answer where the configuration sets none: several calls with long values fit."""


def add(name: str, source: Path, folder: Path, replace: bool) -> Card:
    """Registers a file of items, or the data files of BFCL, under a name. Raises DataError."""
    if source.is_dir():
        if find_bfcl(source) is None:
            raise DataError(f"{source}: is a folder without BFCL_v4_*.json; give a .jsonl file, or the folder of a bfcl-eval")
        suite, left_out = convert_bfcl(source, name)
    else:
        suite, left_out = read_suite(source, name), {}
    wrong = check_gold(suite)
    # Published suites are taken as they are, with the few items that nobody can solve; one's own file can be corrected.
    if wrong and suite.profile == "strict":
        raise DataError(f"{source}: {hopeless(suite, wrong)}; correct them, so that somebody can be right there")
    return add_suite(folder, suite, str(source), left_out, replace=replace)


def listed(folder: Path) -> list[Card]:
    """The project's own suites and the registered ones."""
    own = [find_suite(name, folder) for name in OWN]
    cards = [
        Card(name=s.name, source=str((SEEDS / f"{s.name}.jsonl").name), version="", profile=s.profile, digest=s.digest,
             categories={c: sum(i.category == c for i in s.items) for c in sorted({i.category for i in s.items})}, left_out={})
        for s in own
    ]  # fmt: skip
    return [*cards, *registered(folder)]


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    model: str
    suite: str
    out: Path
    limit: int
    make: bool
    allow_shared: bool


def evaluate(wanted: Wanted, loaded: Loaded, folder: Path) -> Results:
    """Measures and writes `out/outputs.jsonl` and `out/results.json`. Raises an error in one sentence for what cannot be done."""
    suite = find_suite(wanted.suite, folder)
    if wanted.limit:
        suite = Suite(suite.name, tuple(first_items(suite.items, suite.name, wanted.limit)), suite.profile, suite.version)
    job = _job(wanted, loaded, folder)
    if not wanted.allow_shared:
        _refuse_shared(suite, job.model.path, loaded)
    out = wanted.out.resolve()
    if out.is_file():
        raise StoreError(f"{out}: is a file; give --out a folder")
    begun = {
        "model": job.model.digest, "items": len(suite.items), "make": job.make,
        "versions": versions_of(job.model.path, suite, job.engine, job.max_tokens),
    }  # fmt: skip
    with watching(), locked(out):
        _begin(out, begun)
        with open_stage(out, "evaluate", 0, inputs=begun, part="by hand") as stage:
            if stage.finished:
                return _read(out / "results.json")
            results = measure(job, {suite.name: suite}, out, "evaluate", prefix=False)[suite.name]
            _refuse_changed(job, out)
            stage.close({"n": results.n, "truncated": results.truncated})
            return results


def _job(wanted: Wanted, loaded: Loaded, folder: Path) -> Job:
    config = loaded.value
    path = resolve_model(wanted.model, folder.resolve() / "models").resolve()
    if config.engine.kind != "scripted":
        check_model(path)
    engine, tokens, lists = config.engine, MOST_TOKENS, MOST_TOKENS
    if "generate.max_answer_tokens" in loaded.origin:
        tokens = config.generate.max_answer_tokens
    if "generate.max_list_tokens" in loaded.origin:
        lists = config.generate.max_list_tokens
    if "engine.max_model_len" not in loaded.origin and engine.kind != "scripted":
        engine = engine.model_copy(update={"max_model_len": longest(path)})
    model = Model(name=_name(wanted.model, path), path=path, digest=model_digest(path))
    return Job(model, engine, tokens, lists if wanted.make else 0)


def _name(asked: str, path: Path) -> str:
    """How a model is called: one that a run trained by run and round."""
    if (path.parent.name, path.name) == ("train", "model"):
        return f"{path.parents[2].name}/{path.parents[1].name}"
    return asked if asked == "embedded" else path.name


def _refuse_shared(suite: Suite, model: Path, loaded: Loaded) -> None:
    """Against the data of the run that trained the model, where it lies in one, else the configuration's."""
    named = any(key.startswith("data.") for key in loaded.origin)
    config: Config | None = None if named else frozen_config(model)
    data = load_data((config or loaded.value).data.model_copy(update={"allow_shared": True}))
    tools = training_tools(data) if suite.name != "canaries" else []
    if shared := shared_with(suite, training_texts(data), tools):
        raise DataError(
            f"{shared}; a score would partly be memory: remove them from the suite, or add --allow-shared and read it as such"
        )


def _begin(out: Path, begun: dict[str, object]) -> None:
    """An interrupted measurement goes on only with what it was begun with: answers of two models are never mixed."""
    known = read_json(out / "begun.json")
    if known is None:
        if any(p.name not in (".lock",) for p in out.iterdir()):
            raise StoreError(f"{out}: is not empty and holds no measurement; give another --out")
        write_json(out / "begun.json", begun)
    elif not isinstance(known, dict):
        raise StoreError(f"{out / 'begun.json'}: is damaged; give another --out")
    elif known != begun:
        different = ", ".join(_differences(known, begun))
        raise StoreError(f"{out}: holds a measurement of something else (other {different}); give another --out")


def _read(file: Path) -> Results:
    try:
        return Results.model_validate(read_json(file))
    except ValueError:
        raise StoreError(f"{file}: is missing or damaged; give another --out to measure again") from None


def _differences(known: dict[str, object], begun: dict[str, object]) -> Sequence[str]:
    old, new = known.get("versions"), begun["versions"]
    assert isinstance(new, dict)
    inner = [k for k in new if not isinstance(old, dict) or old.get(k) != new[k]]
    return [k for k in ("model", "items", "make") if known.get(k) != begun[k]] + inner


def _refuse_changed(job: Job, out: Path) -> None:
    now = model_digest(job.model.path)
    if now != job.model.digest:
        (out / "results.json").unlink(missing_ok=True)
        raise ModelError(
            f"{job.model.path}: was changed while it was measured, so that answers belong to no one model; they are kept in "
            f"{out}; measure again with another --out when nothing writes to the model any more"
        )
