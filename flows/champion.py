"""What `selfimprove compare`, `promote` and `rollback` do: two measurements side by side, and the champion's pointer by hand.

    compare("demo/round-001", "demo/bootstrap", "gate", Path("runs"))
    compare("out/mine", "out/theirs", "gate", Path("runs"))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from selfimprove.errors import DataError, StoreError
from selfimprove.evaluate.compare import by_category, by_truth
from selfimprove.evaluate.compare import compare as compare_models
from selfimprove.models import check_model, model_digest
from selfimprove.observe.report import write_report
from selfimprove.observe.summary import controls, finals, read_decision
from selfimprove.records import Compared, Output, Results
from selfimprove.store import jsonl
from selfimprove.store.champion import Model, base_model, promote, read_champion, rollback, round_of
from selfimprove.store.layout import Layout, read_json
from selfimprove.store.lock import locked


@dataclass(frozen=True)
class Found:
    name: str
    outputs: list[Output]
    results: Results


def compare(a: str, b: str, suite: str, folder: Path) -> Compared:
    """Raises DataError or StoreError for what was not measured, or not on the same items."""
    left, right = _find(a, suite, folder), _find(b, suite, folder)
    known, other = left.results.versions, right.results.versions
    return Compared(
        overall=compare_models(left.outputs, right.outputs, (left.name, right.name), left.results.suite),
        categories=tuple(by_category(left.outputs, right.outputs)), groups=tuple(by_truth(left.outputs, right.outputs)),
        differences=tuple(k for k in known if known[k] != other.get(k)),
    )


def _find(wanted: str, suite: str, folder: Path) -> Found:
    """A folder that `selfimprove evaluate` wrote, or RUN/MODEL."""
    path = Path(wanted)
    if (path / "outputs.jsonl").is_file():
        return _read(path / "outputs.jsonl", path / "results.json", "")
    run, _, model = wanted.partition("/")
    layout = Layout.of(folder, run)
    if not model or not layout.card.exists():
        raise DataError(f"{wanted}: is neither the --out folder of a finished evaluation nor RUN/MODEL, such as demo/round-001")
    if model == "champion":
        model = _champion(layout)
    places = _places(layout, model, suite)
    place = next((p for p in places if (p / f"{suite}.outputs.jsonl").is_file()), None)
    if place is None:
        raise DataError(f"{layout.root}: {model} was not measured on {suite}; `selfimprove status {run}` shows what was")
    return _read(place / f"{suite}.outputs.jsonl", place / f"{suite}.results.json", model)


def _read(outputs: Path, results: Path, name: str) -> Found:
    stored = read_json(results)
    if stored is None:
        raise StoreError(f"{outputs.parent}: the measurement is not finished; start its command again")
    try:
        found = Results.model_validate(stored)
    except ValueError:
        raise StoreError(f"{results}: was not written by this version; measure the model again") from None
    return Found(name or found.model, jsonl.read(outputs, Output), found)


def _places(layout: Layout, model: str, suite: str) -> list[Path]:
    """Where a model's outputs may lie, the newest measurement first."""
    if suite == "test":
        return [f / "evaluate" / model for f in reversed([*controls(layout), *finals(layout)])]
    if model == "base":
        return [layout.round(0) / "evaluate-base"]
    number = round_of(model)
    return [layout.round(number) / "evaluate"] if number is not None else []


def _champion(layout: Layout) -> str:
    known = read_champion(layout)
    if known is None:
        raise StoreError(f"{layout.root}: has no champion yet; `selfimprove run` elects the first one")
    return known.current.name


def adopt(run: str, wanted: str, folder: Path) -> str:
    """Makes a model the champion by hand, whatever the gate said; returns a sentence."""
    layout = Layout.found(folder, run)
    with locked(layout.root):
        was = _champion(layout)
        number = round_of(wanted)
        model = _model(layout, wanted, number)
        if (known := read_champion(layout)) and known.current.digest == model.digest:
            raise StoreError(f"{layout.root}: {model.name} has the content of the champion already; nothing to do")
        promote(layout, model, number if number is not None else max(layout.rounds()), by="hand")
        write_report(layout)
    decision = read_decision(layout, number) if number else None
    gate = f" (the gate had said: {decision.sentence.rstrip('.')})" if decision and not decision.promoted else ""
    return f"{model.name} is the champion of {run} by hand, was {was}{gate}; `selfimprove rollback {run}` goes back."


def _model(layout: Layout, wanted: str, number: int | None) -> Model:
    if wanted == "base":
        return base_model(layout)
    path = layout.round(number) / "train" / "model" if number is not None else Path(wanted).resolve()
    if number is None and not path.is_dir():
        raise StoreError(f"{wanted}: is neither base, bootstrap, a round such as round-002, nor a model directory")
    check_model(path)
    content = model_digest(path)
    return Model(name=wanted if number is not None else f"hand-{content[:8]}", path=path, digest=content)


def go_back(run: str, to: str, folder: Path) -> str:
    """Moves the champion's pointer back; returns a sentence."""
    layout = Layout.found(folder, run)
    with locked(layout.root):
        was = _champion(layout)
        model = rollback(layout, to)
        write_report(layout)
    return f"{model.name} is the champion of {run} again, was {was}; the history keeps both."
