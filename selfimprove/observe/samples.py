"""Real samples for the report: problems with their attempts and verdicts, and proposals, drawn evenly and repeatably.

    cards = draw_cards(layout, 60)
    cards[0].title, cards[0].status, cards[0].attempts

Even over rounds, over accepted / rejected / unknown, and over problems and proposals; which ones is decided by the
digest of their ids, so the same files give the same cards and nobody picks the pretty ones.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfimprove.observe.read import rows, stream
from selfimprove.observe.signature import answer_text, signature
from selfimprove.records import Answer, Record, Tool, digest
from selfimprove.store.layout import Layout
from selfimprove.tools.canonical import key as canonical_key

SORTS = {"make": "tool list", "request": "request"}
"""Subtask of a proposal -> how a card names it."""


Chosen = tuple[tuple[int, str, str], str]
"""(round, sort, status) and an id."""


class Shot(Record):
    """One attempt: `name` is "greedy" or the sample's number (equal ones are counted), `shown` what it was read as."""

    name: str
    text: str
    shown: str
    readable: bool
    right: bool = False
    """Equal to the answer that the problem has by its making or its label."""


class Card(Record):
    """One sample as the report shows it. All texts are raw: escaping is the template's business."""

    round: int
    sort: str
    """problem, tool list or request."""
    status: str
    """accepted, rejected, unknown or not judged."""
    kind: str = ""
    source: str = ""
    prompt: str
    tools: tuple[str, ...] = ()
    expected: str = ""
    """The right answer where one is known; empty for a problem that only a vote can answer."""
    answer: str = ""
    """What the verdict is about."""
    attempts: tuple[Shot, ...] = ()
    layer: str = ""
    reasons: tuple[str, ...] = ()
    facts: str = ""


def draw_cards(layout: Layout, most: int = 60) -> list[Card]:
    """At most `most` cards in the order of rounds; fewer when fewer are on disk."""
    buckets: dict[tuple[int, str, str], list[tuple[str, str]]] = {}
    for round_ in layout.rounds():
        for sort, status, id_ in _known(layout.round(round_)):
            buckets.setdefault((round_, sort, status), []).append((digest(id_), id_))
    chosen = _in_turn([[(key, id_) for _, id_ in sorted(found)] for key, found in sorted(buckets.items())], most)
    cards = []
    for round_ in layout.rounds():
        wanted = {(key[1], id_) for key, id_ in chosen if key[0] == round_}
        cards += list(_cards(layout.round(round_), round_, wanted)) if wanted else []
    return cards


def _known(folder: Path) -> Iterator[tuple[str, str, str]]:
    """(sort, status, id) of everything a round made."""
    verdicts = {
        str(row.get("sample")): (row.get("verdict") or {}).get("status")
        for row in stream(folder / "verify/judged.jsonl")
    }
    for row in stream(folder / "generate/problems.jsonl"):
        yield "problem", str(verdicts.get(str(row.get("id"))) or "not judged"), str(row.get("id"))
    for row in stream(folder / "generate/proposals.jsonl"):
        yield SORTS.get(str(row.get("subtask")), "proposal"), _usable(row), str(row.get("id"))


def _usable(proposal: dict[str, Any]) -> str:
    return "rejected" if proposal.get("problem") else "accepted"


def _in_turn(buckets: list[list[Chosen]], most: int) -> list[Chosen]:
    """One of each bucket, again and again, until there are enough."""
    chosen: list[Chosen] = []
    for turn in range(max(map(len, buckets), default=0)):
        for bucket in buckets:
            if turn < len(bucket) and len(chosen) < most:
                chosen.append(bucket[turn])
    return chosen


def _cards(folder: Path, round_: int, wanted: set[tuple[str, str]]) -> Iterator[Card]:
    ids = {id_ for sort, id_ in wanted if sort == "problem"}
    judged = {
        str(row.get("sample")): row for row in stream(folder / "verify/judged.jsonl") if str(row.get("sample")) in ids
    }
    attempts: dict[str, list[dict[str, Any]]] = {}
    for row in stream(folder / "generate/attempts.jsonl"):
        if str(row.get("sample")) in ids:
            attempts.setdefault(str(row["sample"]), []).append(row)
    for row in stream(folder / "generate/problems.jsonl"):
        if str(row.get("id")) in ids:
            yield _problem(round_, row, judged.get(str(row["id"]), {}), attempts.get(str(row["id"]), []))
    for row in rows(folder / "generate/proposals.jsonl"):
        if (SORTS.get(str(row.get("subtask")), "proposal"), str(row.get("id"))) in wanted:
            yield _proposal(round_, row)


def _problem(round_: int, row: dict[str, Any], judged: dict[str, Any], attempts: list[dict[str, Any]]) -> Card:
    verdict = judged.get("verdict") or {}
    return Card(
        round=round_,
        sort="problem",
        status=str(verdict.get("status") or "not judged"),
        kind=str(row.get("kind", "")),
        source=str(row.get("source", "")),
        prompt=str(row.get("query", "")),
        tools=tuple(signature(tool) for tool in row.get("tools") or ()),
        expected=answer_text(row.get("answer")),
        answer=answer_text(judged.get("answer")),
        attempts=tuple(_shots(attempts, row.get("answer"), _tools(row.get("tools")))),
        layer=str(verdict.get("layer", "")),
        reasons=tuple(map(str, verdict.get("reasons") or ())),
        facts=_facts(judged),
    )


def _facts(judged: dict[str, Any]) -> str:
    found = []
    if isinstance(judged.get("agreement"), (int, float)):
        found.append(f"agreement {judged['agreement']:.0%}")
    if judged.get("k") and judged.get("correct") is not None:
        found.append(f"{judged['correct']} of {judged['k']} right")
    if judged.get("near_miss"):
        found.append("near miss")
    return ", ".join(found)


def _shots(attempts: list[dict[str, Any]], answer: Any, tools: list[Tool]) -> Iterator[Shot]:
    """The greedy answer, then the sampled ones, equal texts together."""
    expected = _meaning(answer, tools)
    for sampled in (False, True):
        those = [row for row in attempts if (row.get("index", 0) >= 0) == sampled]
        times = Counter((str(row.get("text", "")), str(row.get("problem"))) for row in those)
        first = {(str(row.get("text", "")), str(row.get("problem"))): row for row in reversed(those)}
        for found, number in times.most_common():
            row = first[found]
            shown, meaning = answer_text(row.get("answer")), _meaning(row.get("answer"), tools)
            yield Shot(
                name=f"sampled ×{number}" if sampled else "greedy", text=found[0], readable=bool(shown),
                shown=shown or f"not readable: {row.get('problem') or 'no reason given'}",
                right=meaning is not None and meaning == expected,
            )  # fmt: skip


def _meaning(answer: Any, tools: list[Tool]) -> str | None:
    """The canonical key, so that a card calls right what the verifier calls right."""
    try:
        return canonical_key(Answer.model_validate(answer), tools)
    except ValueError:
        return None


def _tools(values: Any) -> list[Tool]:
    found = []
    for value in values or ():
        with contextlib.suppress(ValueError):
            found.append(Tool.model_validate(value))
    return found


def _proposal(round_: int, row: dict[str, Any]) -> Card:
    problem = row.get("problem")
    return Card(
        round=round_, sort=SORTS.get(str(row.get("subtask")), "proposal"), status=_usable(row), source="proposal",
        prompt=str(row.get("prompt", "")), layer="parse" if problem else "", reasons=(str(problem),) if problem else (),
        attempts=(Shot(name="text", text=str(row.get("text", "")), shown="", readable=not problem),),
    )  # fmt: skip
