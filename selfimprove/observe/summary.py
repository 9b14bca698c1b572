"""The figures of a run, read from its files: the single source of the table, the report, `status --json` and MLflow.

    summary = summarize(Layout(Path("runs"), "demo"))
    summary.models[-1].gate.call.accuracy

Works on a run in any state: what is not on disk yet is None, and `unfinished` says what is missing. Funnel and oracle
figures are read in `funnel`. Nothing is computed here that a stage has already computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfimprove.observe.figures import Funnel, ModelFigures, RunSummary, SelfTested, StageTime, Step, Suite
from selfimprove.observe.funnel import read_funnel, read_oracle
from selfimprove.observe.read import number, record, settings, stream
from selfimprove.observe.returns import read_return
from selfimprove.records import Comparison, Decision, Rate, SelfTest
from selfimprove.store.champion import read_champion
from selfimprove.store.layout import Layout, read_json
from selfimprove.store.stage import read_manifest

STAGES = {
    "bootstrap": ("evaluate-base", "select", "train", "evaluate", "decide"),
    "round": ("selftest", "generate", "verify", "select", "train", "evaluate", "decide"),
    "final": ("evaluate",),
}
"""Stages of round 0, of every later round, and of the end of a start, in the order in which they run."""

OVERRIDE = "override "
"""How `config.load` begins the origin of a setting that the command line made."""


def summarize(layout: Layout) -> RunSummary:
    """Raises StoreError when a file of the run is damaged; a run that is not there is one with nothing in it."""
    card = read_json(layout.card) or {}
    rounds = layout.rounds()
    known = read_champion(layout)
    champion = known.current.name if known else None
    decisions = tuple(found for number_ in rounds if (found := read_decision(layout, number_)))
    funnels = tuple(read_funnel(layout.round(n), n) for n in rounds)
    stages = tuple(_stage_times(layout, rounds))
    missing = tuple(_missing(layout, rounds, stages))
    frozen = settings(layout.round(rounds[-1]) / "config.yaml") if rounds else {}
    return RunSummary(
        name=layout.name, created=str(card.get("created", "")), model=str(card.get("model", "")),
        seed=card.get("seed"),
        config_files=_files(card),
        overrides=_overrides(card),
        experiment=str(frozen.get("run.experiment", "")),
        champion=champion, finished=not missing, unfinished=missing,
        models=tuple(_models(layout, rounds, funnels, champion)), decisions=decisions, funnels=funnels,
        lucky=_lucky(decisions, number(frozen.get("gate.confidence"))),
        returns=tuple(r for d in decisions if (r := read_return(layout.round(d.round), d))),
        oracle=tuple(o for n in rounds if (o := read_oracle(layout.round(n), n))),
        self_tests=tuple(_self_tests(layout, rounds)),
        comparisons=tuple(_comparisons(layout)), stages=stages, steps=tuple(_steps(layout, rounds)),
    )  # fmt: skip


def _lucky(decisions: tuple[Decision, ...], confidence: float | None) -> float | None:
    contests = sum(bool(d.n) for d in decisions)
    return 1 - (0.95 if confidence is None else confidence) ** contests if contests > 1 else None


def read_decision(layout: Layout, round_: int) -> Decision | None:
    file = layout.round(round_) / "decide" / "decision.json"
    found = read_json(file)
    return record(file, found, Decision) if found else None


def read_suite(folder: Path, suite: str) -> Suite:
    """The results of one model on one suite; empty when there are none."""
    found = read_json(folder / f"{suite}.results.json") or {}
    kinds = {str(kind): _score(value) for kind, value in (found.get("categories") or found.get("kinds") or {}).items()}
    return Suite(
        call=_score(found.get("call")), abstention=_score(found.get("abstention")),
        kinds={kind: score for kind, score in kinds.items() if score}, truncated=int(found.get("truncated") or 0),
    )  # fmt: skip


def model_name(round_: int) -> str:
    return "bootstrap" if round_ == 0 else f"round-{round_:03d}"


def finals(layout: Layout) -> list[Path]:
    """The folders of final measurements, oldest first."""
    return sorted(path for path in layout.root.glob("final-[0-9][0-9][0-9]") if path.is_dir())


def controls(layout: Layout) -> list[Path]:
    """Folders of the controls, the oldest first."""
    return sorted(layout.root.glob("control-[0-9][0-9][0-9]"))


def _score(value: Any) -> Rate | None:
    """None where no item was of the sort: 0 of 0 is no accuracy."""
    if not isinstance(value, dict) or not value.get("n") or number(value.get("accuracy")) is None:
        return None
    return Rate.model_validate({key: value[key] for key in Rate.model_fields})


def _models(
    layout: Layout, rounds: list[int], funnels: tuple[Funnel, ...], champion: str | None
) -> Iterator[ModelFigures]:
    tests = {name: read_suite(folder, "test") for name, folder in _tested(layout)}
    if rounds and rounds[0] == 0:
        gate = read_suite(layout.round(0) / "evaluate-base", "gate")
        yield ModelFigures(name="base", champion=champion == "base", gate=gate, test=tests.pop("base", Suite()))
    for round_, funnel in zip(rounds, funnels, strict=True):
        name, folder = model_name(round_), layout.round(round_) / "evaluate"
        yield ModelFigures(
            name=name, round=round_, champion=name == champion, gate=read_suite(folder, "gate"),
            test=tests.pop(name, Suite()), canaries=read_suite(folder, "canaries"),
            general=_score((read_json(folder / "general.results.json") or {}).get("general")),
            made=funnel.made, accepted=funnel.accepted, trained=funnel.trained,
        )  # fmt: skip
    for name, test in tests.items():
        yield ModelFigures(name=name, test=test)


def _tested(layout: Layout) -> Iterator[tuple[str, Path]]:
    for final in (*finals(layout), *controls(layout)):
        for folder in sorted(final.glob("evaluate/*")):
            if (folder / "test.results.json").is_file():
                yield folder.name, folder


def _comparisons(layout: Layout) -> Iterator[Comparison]:
    """Those of the newest final measurement (an older one compares an older champion) and of the newest control."""
    seen: set[tuple[str, str]] = set()
    for folders in (finals(layout), controls(layout)):
        files = [folder / "comparison.json" for folder in folders if (folder / "comparison.json").is_file()]
        for item in read_json(files[-1]) or [] if files else []:
            found = record(files[-1], item, Comparison)
            if (found.a, found.b) not in seen:
                seen.add((found.a, found.b))
                yield found


def _self_tests(layout: Layout, rounds: list[int]) -> Iterator[SelfTested]:
    for round_ in rounds:
        file = layout.round(round_) / "selftest" / "selftest.json"
        if found := read_json(file):
            yield SelfTested(round=round_, rates=record(file, found, SelfTest).rates)


def _stage_times(layout: Layout, rounds: list[int]) -> Iterator[StageTime]:
    for round_ in rounds:
        folder, group = layout.round(round_), "round" if round_ else "bootstrap"
        frozen = settings(folder / "config.yaml")
        for stage in STAGES[group]:
            yield _stage_time(group, round_, stage, [folder / stage], frozen)
    for final in finals(layout):
        round_ = int(final.name.removeprefix("final-"))
        frozen = settings(final / "config.yaml") or settings(layout.round(round_) / "config.yaml")
        whole = final / "evaluate"
        # One manifest for all models, or one for each.
        folders = [whole] if (whole / "manifest.json").exists() else sorted(p for p in whole.glob("*") if p.is_dir())
        yield _stage_time("final", round_, "evaluate", folders, frozen)


def _stage_time(group: str, round_: int, stage: str, folders: list[Path], frozen: dict[str, Any]) -> StageTime:
    manifests = [read_manifest(folder) for folder in folders]
    spent = [_seconds(found, folder) for found, folder in zip(manifests, folders, strict=True)]
    return StageTime(
        group=group, round=round_, stage=stage, planned=number(frozen.get(f"plan.{group}/{stage}")),
        spent=sum(spent) if any(folder.is_dir() for folder in folders) else None,
        finished=bool(folders) and all(manifests),
    )  # fmt: skip


def _seconds(manifest: dict[str, Any] | None, folder: Path) -> float:
    """Of a stage that is not finished: what its earlier starts took."""
    found = [manifest] if manifest else stream(folder / "times.jsonl")
    return sum(number(row.get("seconds")) or 0.0 for row in found)


def _missing(layout: Layout, rounds: list[int], stages: tuple[StageTime, ...]) -> Iterator[str]:
    if not rounds:
        yield "no round was begun"
        return
    for time in stages:
        if not time.finished and time.group != "final" and not _rejected(layout, time):
            state = "not finished" if time.spent is not None else "not begun"
            yield f"{place(time.group, time.round)}: {time.stage} is {state}"
    if not (layout.final(rounds[-1]) / "comparison.json").is_file():
        yield f"the test suite was not measured after {place('round' if rounds[-1] else 'bootstrap', rounds[-1])}"


def _rejected(layout: Layout, time: StageTime) -> bool:
    """Whether a stage is not owed, because the training of its round diverged and left nothing to measure."""
    return time.stage == "evaluate" and (layout.round(time.round) / "train" / "rejected.json").is_file()


def place(group: str, round_: int) -> str:
    """One of "bootstrap", "round 2", "final": how a stage's place is said everywhere."""
    return f"round {round_}" if group == "round" else group


def _steps(layout: Layout, rounds: list[int]) -> Iterator[Step]:
    for round_ in rounds:
        for row in stream(layout.round(round_) / "train" / "train.jsonl"):
            step, loss = number(row.get("step")), number(row.get("loss"))
            if step is not None and loss is not None:
                tokens, seconds, each = number(row.get("tokens")), number(row.get("seconds")), row.get("loss_by_subtask")
                yield Step(
                    round=round_, step=int(step), loss=loss, tokens_per_second=tokens / seconds if tokens and seconds else None,
                    loss_by_subtask={k: v for k, v in each.items() if number(v) is not None} if isinstance(each, dict) else {},
                    **{name: number(row.get(name)) for name in ("learning_rate", "grad_norm", "supervised_share", "peak_gb")},
                )  # fmt: skip


def _files(card: dict[str, Any]) -> tuple[str, ...]:
    """The configuration files that the card of a run names, in order: `set` says where each setting came from."""
    return tuple(dict.fromkeys(where for where in _origins(card) if not where.startswith(OVERRIDE)))


def _overrides(card: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(where.removeprefix(OVERRIDE) for where in _origins(card) if where.startswith(OVERRIDE)))


def _origins(card: dict[str, Any]) -> list[str]:
    found = card.get("set")
    return list(map(str, found.values())) if isinstance(found, dict) else []
