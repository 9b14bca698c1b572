"""One round of a run: its number, its frozen configuration, and where its stages lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from selfimprove.config import Config
from selfimprove.errors import StoreError
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
    """Writes the round's configuration when it begins; a round that goes on keeps the one it began with."""
    round_ = Round(layout, number, config, part)
    file = round_.path / "config.yaml"
    if not file.exists():
        write_text(file, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
        return round_
    return open_round(layout, number, part)


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
