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
from selfimprove.records import Record, Sample, canonical_json, digest
from selfimprove.store.jsonl import read_numbered
from selfimprove.tools.pool import Pool, read_pool, read_samples

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
    digest: str
    """Identity of all files together."""


@cache
def load_data(config: DataConfig) -> RunData:
    """Raises DataError naming file and line for anything that cannot be used."""
    paths = {name: getattr(config, name) or SEEDS / f"{name}.jsonl" for name in ("tools", "queries", *PARTS)}
    samples = {name: read_samples(paths[name]) for name in PARTS}
    _refuse_leaks(samples, paths)
    _refuse_twins(samples, paths)
    return RunData(
        pool=read_pool(paths["tools"], part="train"), modules=config.tool_modules or SEEDS, queries=_queries(paths["queries"]),
        digest=digest([_file(paths[name]) for name in sorted(paths)]), **samples,
    )  # fmt: skip


def _queries(path: Path) -> list[Query]:
    found: dict[str, Query] = {}
    for number, value in read_numbered(path):
        text = value.get("query") if isinstance(value, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise DataError(f'{path}, line {number}: needs a key "query" with a text that is not empty')
        # The content is the identity, so adding, removing or reordering lines never makes a used query look new.
        query = Query(id=str(value.get("id") or digest(text)), query=text.strip())
        found.setdefault(query.id, query)
    return list(found.values())


def _refuse_leaks(samples: dict[str, list[Sample]], paths: dict[str, Path]) -> None:
    held_out = {_plain(s.query): name for name in ("gate", "test") for s in samples[name]}
    for name in ("bootstrap", "curriculum", "oracle"):
        for sample in samples[name]:
            where = held_out.get(_plain(sample.query))
            if where:
                raise DataError(
                    f"{paths[name]}: the query of {sample.id} stands in the {where} suite too; remove it from one of them"
                )


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


def content_key(sample: Sample) -> str:
    """Identity of a problem's content, whatever its id."""
    return canonical_json([sample.query, [t.name for t in sample.tools]])
