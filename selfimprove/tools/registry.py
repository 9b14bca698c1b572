"""Where suites lie and what their names mean: the project's own, and those registered beside the runs.

    add_suite(folder, suite)                          # runs/suites/NAME.jsonl and NAME.json
    find_suite("bfcl:simple,multiple", folder)
    find_suite("mine.jsonl", folder)
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from selfimprove.errors import DataError
from selfimprove.records import Record
from selfimprove.store import jsonl
from selfimprove.store.layout import read_json, write_json
from selfimprove.tools.suite import Profile, Suite, read_suite

SEEDS = Path(__file__).resolve().parents[2] / "configs" / "seeds"
OWN = ("gate", "test", "canaries", "general")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Card(Record):
    """What `runs/suites/NAME.json` holds beside the items."""

    name: str
    source: str
    version: str
    profile: Profile
    digest: str
    categories: dict[str, int]
    left_out: dict[str, str]
    """What the source has and the suite does not: category -> why."""


def add_suite(folder: Path, suite: Suite, source: str, left_out: dict[str, str], *, replace: bool = False) -> Card:
    """Registers a suite under its name. Raises DataError for a name that cannot be used or is taken by other items."""
    if not NAME.fullmatch(suite.name) or suite.name in OWN or suite.name.endswith(".jsonl"):
        taken = "is the name of one of the project's own" if suite.name in OWN else "is no name for a suite"
        raise DataError(f"{suite.name!r} {taken}; use letters, digits, . _ - and none of {', '.join(OWN)}")
    card = Card(
        name=suite.name, source=source, version=suite.version, profile=suite.profile, digest=suite.digest,
        categories=dict(sorted(Counter(i.category for i in suite.items).items())), left_out=left_out,
    )  # fmt: skip
    known = read_card(folder, suite.name)
    if known and known.digest != card.digest and not replace:
        raise DataError(f"suite {suite.name} is registered with other items; add --replace, or choose another name")
    # The card comes last: items without one are not registered.
    jsonl.write(_file(folder, suite.name), suite.items)
    write_json(_card(folder, suite.name), card.model_dump(mode="json"))
    return card


def read_card(folder: Path, name: str) -> Card | None:
    found = read_json(_card(folder, name))
    return Card.model_validate(found) if found else None


def registered(folder: Path) -> list[Card]:
    return [card for file in sorted(_home(folder).glob("*.json")) if (card := read_card(folder, file.stem))]


def find_suite(wanted: str, folder: Path) -> Suite:
    """NAME or FILE.jsonl, both with :category,... or without. Raises DataError that lists what there is."""
    name, colon, categories = wanted.rpartition(":")
    if not colon or wanted.endswith(".jsonl"):
        name, categories = wanted, ""
    suite = read_suite(Path(name)) if name.endswith(".jsonl") else _named(name, folder)
    return suite.only([c.strip() for c in categories.split(",")]) if colon and name != wanted else suite


def _named(name: str, folder: Path) -> Suite:
    if name in OWN:
        return read_suite(SEEDS / f"{name}.jsonl", name)
    card = read_card(folder, name) if NAME.fullmatch(name) else None
    if card is None:
        known = ", ".join([*OWN, *(c.name for c in registered(folder))])
        raise DataError(
            f"there is no suite {name!r}; there are {known}; `selfimprove suites add {name} --from FILE` registers one"
        )
    suite = read_suite(_file(folder, name), name, card.profile, card.version, checked=True)
    if suite.digest != card.digest:
        raise DataError(
            f"{_file(folder, name)}: was changed since the suite was registered; add it again: `suites add {name} --from FILE "
            "--replace`"
        )
    return suite


def _home(folder: Path) -> Path:
    return folder / "suites"


def _file(folder: Path, name: str) -> Path:
    return _home(folder) / f"{name}.jsonl"


def _card(folder: Path, name: str) -> Path:
    return _home(folder) / f"{name}.json"
