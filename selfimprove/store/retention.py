"""Which trained models of a run keep their weights: the champion, the bootstrap, and the newest ones.

    retire_models(layout, keep=4)      # when a start is over; returns the rounds whose weights were removed

Only weights go: the card, the configuration and everything that was measured stay. Called between starts, since a start that
was interrupted walks through all of its own rounds again and wants to find their models as they were.
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.store.adapter import read_adapter
from selfimprove.store.champion import read_champion
from selfimprove.store.layout import Layout


def retire_models(layout: Layout, keep: int) -> list[int]:
    """Removes the weights of every round but the bootstrap, the champion's and the newest `keep`."""
    champion = read_champion(layout)
    if champion is None:
        return []
    trained = [number for number in layout.rounds() if number and _weights(_model(layout, number))]
    kept = {champion.current.path.resolve()}
    # The base of an adapter is a part of it.
    kept |= {adapter.base.resolve() for number in trained if (adapter := read_adapter(_model(layout, number)))}
    old = [number for number in trained[:-keep] if _model(layout, number).resolve() not in kept]
    for number in old:
        for file in _weights(_model(layout, number)):
            file.unlink()
    return old


def retired(layout: Layout) -> int:
    """Models of the run whose weights were removed."""
    return sum(1 for number in layout.rounds() if any(_model(layout, number).glob("*config.json"))
               and not _weights(_model(layout, number)))  # fmt: skip


def _model(layout: Layout, number: int) -> Path:
    return layout.round(number) / "train" / "model"


def _weights(model: Path) -> list[Path]:
    return sorted(model.glob("*.safetensors"))
