"""One round of a run: its number, its frozen configuration, and where its stages lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfimprove.config import Config, settings
from selfimprove.errors import StoreError
from selfimprove.events import Note, emit
from selfimprove.store.jsonl import write_text
from selfimprove.store.layout import Layout, Part
from selfimprove.store.stage import Stage, open_stage


@dataclass(frozen=True)
class Round:
    layout: Layout
    number: int
    config: Config
    part: Part = "round"

    @property
    def path(self) -> Path:
        return self.layout.part(self.part, self.number)

    @property
    def name(self) -> str:
        """What planned seconds are listed under."""
        return "bootstrap" if self.part == "round" and self.number == 0 else self.part

    @property
    def model_name(self) -> str:
        return "bootstrap" if self.name == "bootstrap" else f"{self.part}-{self.number:03d}"

    @contextmanager
    def stage(self, name: str, inputs: Mapping[str, Any]) -> Iterator[Stage]:
        planned = float(self.config.plan.get(f"{self.name}/{name}", 0))
        begun = open_stage(self.path / name, name, self.number, inputs=inputs, planned_seconds=planned, part=self.part)
        with begun as stage:
            yield stage


def freeze(layout: Layout, number: int, config: Config, part: Part = "round") -> Round:
    """Writes the round's configuration when it begins. A round that goes on keeps the one it began with, but for how it trains:
    until its training is done that follows what is asked for now, since who corrects a training that failed starts it again."""
    round_ = Round(layout, number, config, part)
    file = round_.path / "config.yaml"
    if not file.exists():
        _write(file, config)
        return round_
    begun = open_round(layout, number, part)
    if part != "round" or (round_.path / "train" / "manifest.json").exists():
        return begun
    going_on = _with_training_of(begun.config, config, number)
    _say_changes(begun, going_on, config)
    if going_on != begun.config:
        _write(file, going_on)
    return Round(layout, number, going_on, part)


def _write(file: Path, config: Config) -> None:
    write_text(file, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def _with_training_of(begun: Config, wanted: Config, number: int) -> Config:
    """What earlier stages have used stays: where training starts, and the length of prompts in rounds that make some."""
    train = wanted.train.model_copy(update={"start": begun.train.start})
    rows = begun.rows if number else begun.rows.model_copy(update={"max_tokens": wanted.rows.max_tokens})
    return begun.model_copy(update={"train": train, "rows": rows})


def _say_changes(begun: Round, going_on: Config, wanted: Config) -> None:
    taken, left = _changes(begun.config, going_on), _changes(going_on, wanted)
    what = "the bootstrap" if begun.number == 0 else f"round {begun.number}"
    if taken:
        emit(Note(f"{what} goes on with {', '.join(taken)} from now on"))
    if left:
        later = "counts" if len(left) == 1 else "count"
        emit(Note(f"{what} keeps the settings that it began with; {', '.join(left)} {later} from the next round on"))


def _changes(old: Config, new: Config) -> list[str]:
    """Settings that differ, as `key=value`, without those that concern the run as a whole."""
    before, after = dict(settings(old)), dict(settings(new))
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [f"{key}={after.get(key)}" for key in changed if not key.startswith(_OF_RUN)]


_OF_RUN = ("run.", "plan")


def frozen_config(model: Path) -> Config | None:
    """The configuration of the round that trained a model (`round-NNN/train/model`); None for a model of other origin."""
    file = model.parent.parent / "config.yaml"
    if (model.parent.name, model.name) != ("train", "model") or not file.is_file():
        return None
    return _read(file)


def open_round(layout: Layout, number: int, part: Part = "round") -> Round:
    """The round as it was frozen. Raises StoreError when its configuration cannot be read."""
    return Round(layout, number, _read(layout.part(part, number) / "config.yaml"), part)


def _read(file: Path) -> Config:
    try:
        return Config.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StoreError(f"{file}: cannot be read ({str(error).splitlines()[0]}); restore it or use another run.name") from None
