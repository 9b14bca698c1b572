"""The data of a run: the user's files where the configuration names them, else the project's own seeds.

    data = load_data(config.data)
    data.pool, data.bootstrap, data.queries
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from selfimprove.config.model import Data as DataConfig
from selfimprove.errors import DataError
from selfimprove.records import Record, Sample, digest
from selfimprove.store.jsonl import read_numbered
from selfimprove.tools.pool import Pool, check_modules, read_pool, read_samples

SEEDS = Path(__file__).resolve().parents[2] / "configs" / "seeds"
PARTS = ("bootstrap", "curriculum", "oracle", "gate", "test", "canaries")


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
    gate: list[Sample]
    test: list[Sample]
    canaries: list[Sample]
    digests: dict[str, str]
    """Identity of each file's content, by part: a stage names only those it reads, so adding queries redoes nothing."""

    def digest(self, *parts: str) -> str:
        """Identity of some parts together."""
        return digest([self.digests[part] for part in parts])


@cache
def load_data(config: DataConfig) -> RunData:
    """Raises DataError naming file and line for anything that cannot be used."""
    paths = {name: getattr(config, name) or SEEDS / f"{name}.jsonl" for name in ("tools", "queries", *PARTS)}
    samples = {name: read_samples(paths[name]) for name in PARTS}
    queries = _queries(paths["queries"])
    _refuse_leaks(samples, queries, paths)
    _refuse_twins(samples, paths)
    pool, modules = read_pool(paths["tools"], part="train"), config.tool_modules or SEEDS
    check_modules(pool, modules)
    return RunData(
        pool=pool, modules=modules, queries=queries, digests={name: _file(path) for name, path in paths.items()}, **samples
    )


def _queries(path: Path) -> list[Query]:
    found: dict[str, Query] = {}
    for number, value in read_numbered(path):
        text = value.get("query") if isinstance(value, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise DataError(f'{path}, line {number}: needs a key "query" with a text that is not empty')
        # The content is the identity, so adding, removing or renumbering lines never makes a used query look new.
        query = Query(id=digest(_plain(text)), query=text.strip())
        found.setdefault(query.id, query)
    return list(found.values())


def _refuse_leaks(samples: dict[str, list[Sample]], queries: list[Query], paths: dict[str, Path]) -> None:
    """What measures a model is never trained: no query of a suite may stand in a part that is."""
    held_out = {_plain(s.query): name for name in ("gate", "test", "canaries") for s in samples[name]}
    trained = [(name, s.id, s.query) for name in ("bootstrap", "curriculum", "oracle") for s in samples[name]]
    for name, id_, text in [*trained, *(("queries", q.query[:60], q.query) for q in queries)]:
        where = held_out.get(_plain(text))
        if where:
            raise DataError(f"{paths[name]}: the query of {id_!r} stands in the {where} suite too; remove it from one of them")


def _refuse_twins(samples: dict[str, list[Sample]], paths: dict[str, Path]) -> None:
    """These parts meet in one round, where an id names a problem: with twins an oracle problem could be trained."""
    seen: dict[str, str] = {}
    for name in ("bootstrap", "curriculum", "oracle"):
        for sample in samples[name]:
            if seen.setdefault(sample.id, name) != name:
                raise DataError(
                    f"{paths[name]}: id {sample.id} stands in the {seen[sample.id]} part too; make ids unique over bootstrap, "
                    "curriculum and oracle"
                )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _file(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None

