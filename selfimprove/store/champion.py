"""The champion: a pointer with its history. Written atomically; the last decision is always the current one."""

from __future__ import annotations

from pathlib import Path

from selfimprove.errors import StoreError
from selfimprove.records.base import Record
from selfimprove.store.layout import Layout, read_json, write_json


class Model(Record):
    """A model of the run: its short name (base, bootstrap, round-001), its directory and its content digest."""

    name: str
    path: Path
    digest: str


class Champion(Record):
    current: Model
    history: tuple[dict[str, object], ...] = ()
    """Each promotion: round, name, digest."""


def read_champion(layout: Layout) -> Champion | None:
    found = read_json(layout.champion)
    return Champion.model_validate(found) if found else None


def promote(layout: Layout, model: Model, round_: int) -> None:
    """Makes a model the champion; doing it twice for the same round changes nothing."""
    known = read_champion(layout)
    history = list(known.history) if known else []
    entry: dict[str, object] = {"round": round_, "name": model.name, "digest": model.digest}
    if entry not in history:
        history.append(entry)
    write_json(layout.champion, Champion(current=model, history=tuple(history)).model_dump(mode="json"))


def starting_champion(layout: Layout, round_path: Path) -> Model:
    """The champion that a round started from: frozen when it began, so that a round that goes on after its own promotion
    still compares with the model it started from."""
    file = round_path / "start.json"
    found = read_json(file)
    if found:
        return Model.model_validate(found)
    champion = read_champion(layout)
    if champion is None:
        raise StoreError(f"{layout.champion}: is missing, and a round needs a champion; run round 0 first")
    write_json(file, champion.current.model_dump(mode="json"))
    return champion.current


def starting_model(layout: Layout, champion: Model, start: str) -> Model:
    """What a round's training starts from: the champion, or the base (`train.start`)."""
    return base_model(layout) if start == "base" else champion


def base_model(layout: Layout) -> Model:
    """The model that the run began with. Raises StoreError when the run has no card."""
    card = read_json(layout.card)
    if not card:
        raise StoreError(f"{layout.card}: is missing; start the run with `selfimprove run CONFIG`")
    return Model.model_validate(card["base"])
