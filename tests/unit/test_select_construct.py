"""Constructions from labelled problems: their gold must follow, or the bootstrap trains on wrong answers."""

from __future__ import annotations

from selfimprove.config import load
from selfimprove.config.model import Data
from selfimprove.select.construct import constructed
from selfimprove.tools.data import load_data

DATA = load_data(Data())
MADE = constructed(load([], ["bootstrap.removed=60", "bootstrap.composed=40"]).value, DATA.bootstrap, DATA.pool, 7)
BY_ID = {s.id: s for s in DATA.bootstrap}


def test_a_removed_problem_offers_neither_its_tool_nor_a_sibling_that_would_do() -> None:
    removed = [s for s in MADE if s.source == "remove"]
    assert len(removed) == 60
    for sample in removed:
        called = BY_ID[sample.id.removeprefix("removed/")].answer
        assert called is not None
        name = called.calls[0].name
        offered = {t.name for t in sample.tools}
        assert offered and name not in offered and not offered & {t.name for t in DATA.pool.siblings(name)}


def test_a_composed_problem_asks_for_both_calls_and_offers_the_tools_of_both() -> None:
    composed = [s for s in MADE if s.source == "compose"]
    assert len(composed) == 40
    for sample in composed:
        assert sample.answer is not None and len(sample.answer.calls) == 2 and len(sample.tools) <= 3
        first, second = (BY_ID[i] for i in sample.id.removeprefix("composed/").split("+"))
        assert first.query.rstrip(".") in sample.query and second.query in sample.query
        assert {c.name for c in sample.answer.calls} <= {t.name for t in sample.tools}
