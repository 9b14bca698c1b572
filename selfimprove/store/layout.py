"""Where everything of a run lies; the only place that spells these names.

    runs/NAME/champion.json  run.json  starts.json  report.html
    runs/NAME/round-000/{config.yaml,evaluate-base,select,train,evaluate,decide}/
    runs/NAME/round-001/{config.yaml,start.json,generate,verify,select,train,evaluate,decide}/
    runs/NAME/final-002/evaluate/   runs/NAME/control-002/{select,train,evaluate}/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from selfimprove.errors import StoreError
from selfimprove.store.jsonl import write_text

Part = Literal["round", "final", "control"]
"""A round; the measurement after the last round of a start; the control beside it."""


@dataclass(frozen=True)
class Layout:
    folder: Path
    """The runs folder."""
    name: str

    @classmethod
    def of(cls, folder: Path | str, name: str) -> Layout:
        """Absolute, so that nothing depends on where a later process is started."""
        return cls(Path(folder).resolve(), name)

    @classmethod
    def found(cls, folder: Path | str, name: str) -> Layout:
        """A run that is there. Raises StoreError, which names those that are."""
        layout = cls.of(folder, name)
        if not layout.card.exists():
            known = sorted(p.parent.name for p in layout.folder.glob("*/run.json"))
            raise StoreError(f"{layout.root}: holds no run; runs here: {', '.join(known) or 'none'}")
        return layout

    @property
    def root(self) -> Path:
        return self.folder / self.name

    @property
    def champion(self) -> Path:
        return self.root / "champion.json"

    @property
    def card(self) -> Path:
        return self.root / "run.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def cache(self) -> Path:
        return self.folder / "models"

    def part(self, part: Part, number: int) -> Path:
        return self.root / f"{part}-{number:03d}"

    def round(self, number: int) -> Path:
        return self.part("round", number)

    def final(self, number: int) -> Path:
        return self.part("final", number)

    def rounds(self) -> list[int]:
        """Numbers of the rounds that were begun."""
        return sorted(int(p.name.removeprefix("round-")) for p in self.root.glob("round-[0-9][0-9][0-9]") if p.is_dir())


def read_json(path: Path) -> Any | None:
    """The value of a small JSON file; None when it is not there. Raises StoreError when it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read ({error}); restore it, or use another run.name or --out") from None


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
