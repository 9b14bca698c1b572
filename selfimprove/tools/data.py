"""The data of a run: the user's files where the configuration names them, else the project's own seeds.

    data = load_data(config.data)
    data.pool, data.bootstrap, data.queries, data.suites["gate"]
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from selfimprove.config.model import Data as DataConfig
from selfimprove.errors import DataError
from selfimprove.records import Record, Sample, Tool, digest
from selfimprove.store.jsonl import read_numbered
from selfimprove.tools.pool import Pool, check_modules, read_pool, read_samples
from selfimprove.tools.suite import Suite, plain, read_suite, shared_with

SEEDS = Path(__file__).resolve().parents[2] / "configs" / "seeds"
TRAINED, SUITES = ("bootstrap", "curriculum", "oracle"), ("gate", "test", "canaries", "general")


class Query(Record):
    """An unlabelled request of a user."""

    id: str
    query: str


@dataclass(frozen=True)
class RunData:
    pool: Pool
    modules: Path
    """Folder that the pool's `module` entries are relative to."""
    queries: list[Query]
    bootstrap: list[Sample]
    curriculum: list[Sample]
    oracle: list[Sample]
    suites: dict[str, Suite]
    digests: dict[str, str]
    """Identity of each file's content, by part: a stage names only those it reads, so adding queries redoes nothing."""

    def digest(self, *parts: str) -> str:
        """Identity of some parts together."""
        return digest([self.digests[part] for part in parts])


@cache
def load_data(config: DataConfig) -> RunData:
    """Raises DataError naming file and line for anything that cannot be used."""
    paths = {name: getattr(config, name) or SEEDS / f"{name}.jsonl" for name in ("tools", "queries", *TRAINED, *SUITES)}
    samples = {name: read_samples(paths[name]) for name in TRAINED}
    suites = {name: read_suite(paths[name], name) for name in SUITES}
    queries = _queries(paths["queries"])
    _refuse_twins(samples, paths)
    pool, modules = read_pool(paths["tools"], part="train"), config.tool_modules or SEEDS
    check_modules(pool, modules)
    data = RunData(
        pool=pool, modules=modules, queries=queries, suites=suites, digests={name: _file(path) for name, path in paths.items()},
        **samples,
    )  # fmt: skip
    _refuse_leaks(data, config, paths)
    return data


def training_texts(data: RunData) -> dict[str, str]:
    """Query -> where it stands, for everything that may be trained."""
    labelled = [(s.query, f"{part} {s.id}") for part in TRAINED for s in getattr(data, part)]
    return dict([*((q.query, "queries") for q in data.queries), *labelled])


def training_tools(data: RunData) -> list[Tool]:
    """Every tool of the pool and of labelled problems."""
    offered = [t for part in TRAINED for s in getattr(data, part) for t in s.tools]
    return [*(e.tool for e in data.pool.entries.values()), *offered]


def _queries(path: Path) -> list[Query]:
    found: dict[str, Query] = {}
    for number, value in read_numbered(path):
        text = value.get("query") if isinstance(value, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise DataError(f'{path}, line {number}: needs a key "query" with a text that is not empty')
        # The content is the identity, so adding, removing or renumbering lines never makes a used query look new.
        query = Query(id=digest(plain(text)), query=text.strip())
        found.setdefault(query.id, query)
    return list(found.values())


def _refuse_leaks(data: RunData, config: DataConfig, paths: dict[str, Path]) -> None:
    """What measures a model is never trained: no query of a suite, and no tool of gate and test (canaries use known tools)."""
    if config.allow_shared:
        return
    for name, suite in data.suites.items():
        shared = shared_with(suite, training_texts(data), training_tools(data) if name in ("gate", "test") else [])
        if shared:
            raise DataError(
                f"{paths[name]}: {shared}; remove them from one of the two, or set data.allow_shared=true and read its scores as "
                "those of what was trained"
            )


def _refuse_twins(samples: dict[str, list[Sample]], paths: dict[str, Path]) -> None:
    """These parts meet in one round, where an id names a problem: with twins an oracle problem could be trained."""
    seen: dict[str, str] = {}
    for name in TRAINED:
        for sample in samples[name]:
            if seen.setdefault(sample.id, name) != name:
                raise DataError(
                    f"{paths[name]}: id {sample.id} stands in the {seen[sample.id]} part too; make ids unique over bootstrap, "
                    "curriculum and oracle"
                )


def _file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None

