"""The champion: a pointer with its history. Written atomically; the last entry of the history is always the current one.

    promote(layout, model, 3)                        # by the gate
    promote(layout, model, 3, by="hand")             # by a person
    rollback(layout)                                 # to the champion before this one
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from selfimprove.errors import StoreError
from selfimprove.records.base import Record
from selfimprove.store.layout import Layout, read_json, write_json

By = Literal["gate", "hand", "rollback"]


class Model(Record):
    """A model of the run: its short name (base, bootstrap, round-001), its directory and its content digest."""

    name: str
    path: Path
    digest: str


class Change(Record):
    """One move of the pointer: to which model, after which round, and who moved it. `path` is None in old histories."""

    round: int
    name: str
    digest: str
    path: Path | None = None
    by: By = "gate"


class Champion(Record):
    current: Model
    history: tuple[Change, ...] = ()
    """Every move of the pointer, the oldest first."""


def round_of(name: str) -> int | None:
    """The round that trained a model of a run, by the model's name; None for the base and for models from elsewhere."""
    if name == "bootstrap":
        return 0
    digits = name.removeprefix("round-")
    return int(digits) if name.startswith("round-") and digits.isdigit() else None


def read_champion(layout: Layout) -> Champion | None:
    found = read_json(layout.champion)
    return Champion.model_validate(found) if found else None


def promote(layout: Layout, model: Model, round_: int, by: By = "gate") -> None:
    """Makes a model the champion; doing it twice in a row for the same round changes nothing."""
    known = read_champion(layout)
    history = known.history if known else ()
    new = Change(round=round_, name=model.name, digest=model.digest, path=model.path, by=by)
    # A decision that a kill interrupted is made again, perhaps after a person has gone back behind it: once is enough.
    repeated = by == "gate" and any((c.round, c.digest, c.by) == (new.round, new.digest, "gate") for c in history)
    if repeated and known:
        return
    write_json(layout.champion, Champion(current=model, history=(*history, new)).model_dump(mode="json"))


def lineage(champion: Champion) -> list[Change]:
    """The champions that led to the current one: what was rolled back is no part of it."""
    line: list[Change] = []
    for change in champion.history:
        if change.by == "rollback":
            places = [n for n, one in enumerate(line) if one.digest == change.digest]
            line = line[: places[-1] + 1] if places else [*line, change]
        else:
            line.append(change)
    return line


def rollback(layout: Layout, to: str = "") -> Model:
    """Moves the pointer back, to the champion before the current one or to an earlier one by name. Raises StoreError."""
    known = read_champion(layout)
    if known is None:
        raise StoreError(f"{layout.root}: has no champion yet; `selfimprove run` elects the first one")
    earlier = [c for c in lineage(known)[:-1] if c.digest != known.current.digest]
    wanted = [c for c in earlier if not to or c.name == to]
    if not wanted:
        names = ", ".join(dict.fromkeys(c.name for c in earlier)) or "none"
        asked = f" named {to}" if to else ""
        raise StoreError(f"{layout.root}: {known.current.name} follows no earlier champion{asked}; there are: {names}")
    model = Model(name=wanted[-1].name, path=_path(layout, wanted[-1]), digest=wanted[-1].digest)
    if not model.path.is_dir():
        raise StoreError(f"{model.path}: the model {model.name} is not there any more, so the champion stays; restore it first")
    if any(model.path.glob("*config.json")) and not any(model.path.glob("*.safetensors")):
        raise StoreError(
            f"{model.path}: the weights of {model.name} were removed (run.keep_models), so the champion stays; go back to a "
            "model that still has its own, or raise run.keep_models before the next run"
        )
    promote(layout, model, wanted[-1].round, by="rollback")
    return model


def _path(layout: Layout, change: Change) -> Path:
    return change.path or layout.round(change.round) / "train" / "model"


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
