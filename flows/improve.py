"""The loop: round 0 once, then rounds until this start's number, the budget or the queries run out, then the test suite.

    improve(["configs/demo.yaml"])                              # in a Prefect flow run, ephemeral or on a server
    selfimprove run configs/demo.yaml run.rounds=3              # the same from the command line

Started again after a kill it goes on where it was; a start that is complete adds rounds only when asked for `more`.
"""

from __future__ import annotations

import json
import time
from typing import Any

from prefect import flow

from flows.bootstrap import bootstrap
from flows.evaluate import measure
from flows.round import improve_once
from selfimprove.config import Config, Loaded, load
from selfimprove.doctor import check
from selfimprove.errors import ConfigError
from selfimprove.events import Note, emit
from selfimprove.generate.plan import unused_queries
from selfimprove.models import check_model, model_digest, resolve_model
from selfimprove.observe.progress import planned_seconds, watching
from selfimprove.store.champion import Model, starting_champion
from selfimprove.store.layout import Layout, read_json, write_json
from selfimprove.store.lock import locked
from selfimprove.store.retention import retire_models
from selfimprove.store.round import Round, freeze, open_round
from selfimprove.store.starts import Start, current_start, starts, stop_early
from selfimprove.tools.data import SUITES, load_data
from tasks.publish import publish


@flow(name="improve", flow_run_name="improve-{run_name}", persist_result=False)
def improve(
    config: str = "configs/demo.yaml",
    run_name: str = "",
    rounds: int = 0,
    budget_minutes: float = 0,
    seed: int = -1,
    overrides: list[str] | None = None,
    more: bool = True,
) -> None:
    """Adds rounds to a run, or goes on with the rounds that an interrupted start owes.

    Args:
        config: Configuration files, separated by commas, merged left to right.
        run_name: Name of the run (empty: as configured). A run keeps its rounds, champion and used queries.
        rounds: Rounds that this start adds (0: as configured).
        budget_minutes: No new round begins after this many minutes (0: as configured).
        seed: Seed of every draw (-1: as configured).
        overrides: Settings as key.path=value, for instance ["train.batch=4"].
        more: Add rounds to a run that is complete; without it such a run is left as it is.
    """
    given = {"run.name": run_name, "run.rounds": rounds, "run.budget_minutes": budget_minutes}
    # As JSON, so that a name like 2026-10-02 stays a text.
    named = [f"{key}={json.dumps(value)}" for key, value in given.items() if value]
    named += [f"run.seed={seed}"] if seed >= 0 else []
    loaded = load([file.strip() for file in config.split(",")], [*(overrides or []), *named])
    layout = Layout.of(loaded.value.run.folder, loaded.value.run.name)
    check(loaded.value, more=more)
    with watching(planned_seconds(loaded.value, loaded.value.run.rounds)), locked(layout.root):
        _improve(layout, loaded, more)


def _improve(layout: Layout, loaded: Loaded, more: bool) -> None:
    config = loaded.value
    load_data(config.data)
    _begin(layout, loaded)
    start = current_start(layout, config.run.rounds, more)
    if start is None:
        _publish_last(layout)
        emit(Note(f"run {layout.name} is complete; `--more` adds {config.run.rounds} rounds, run.name=NEW begins another"))
        return
    began = time.monotonic()
    freeze(layout, 0, config)
    bootstrap(str(layout.folder), layout.name)
    for number in range(start.first, start.last + 1):
        why = _reason_to_stop(layout, number, config, began)
        if why:
            start = _stopped(layout, start, number - 1, why)
            break
        round_ = freeze(layout, number, config)
        starting_champion(layout, round_.path)
        improve_once(str(layout.folder), layout.name, number)
    if start.last >= start.first or start.first == 1:
        freeze(layout, start.last, config, part="final")
        measure(str(layout.folder), layout.name, start.last)
    if gone := retire_models(layout, config.run.keep_models):
        emit(Note(f"removed the weights of {len(gone)} older models (run.keep_models={config.run.keep_models})"))


def _begin(layout: Layout, loaded: Loaded) -> None:
    """Resolves the base model once a run and writes the run's card."""
    config = loaded.value
    card = read_json(layout.card)
    if card:
        _refuse_changes(layout, card, config)
        return
    path = resolve_model(config.model, layout.cache).resolve()
    check_model(path)
    base = Model(name="base", path=path, digest=model_digest(path))
    write_json(layout.card, {
        "name": layout.name, "model": config.model, "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "seed": config.run.seed,
        "base": base.model_dump(mode="json"), "set": loaded.origin,
    })  # fmt: skip


def _refuse_changes(layout: Layout, card: dict[str, Any], config: Config) -> None:
    """What a run's rounds are compared by stays as it was begun: the model, the suites and how they are measured."""
    if card["model"] != config.model:
        raise ConfigError(
            f"run {layout.name} was begun with model {card['model']}, not {config.model}: give this one another run.name"
        )
    if not (layout.round(0) / "config.yaml").exists():
        return
    first = open_round(layout, 0).config
    suites = ((f"data.{name}", getattr(config.data, name), getattr(first.data, name)) for name in SUITES)
    for key, new, old in (
        ("evaluate", config.evaluate, first.evaluate), *suites,
        ("generate.max_answer_tokens", config.generate.max_answer_tokens, first.generate.max_answer_tokens),
    ):  # fmt: skip
        if new != old:
            raise ConfigError(
                f"run {layout.name} was begun with {key}={old}, and its rounds are compared by it: set it back, or give this one "
                "another run.name"
            )


def _publish_last(layout: Layout) -> None:
    """The report and MLflow of a complete run again: a kill after the last measurement may have left them behind."""
    if known := starts(layout):
        publish(open_round(layout, known[-1].last, part="final"))


def _reason_to_stop(layout: Layout, number: int, config: Config, began: float) -> str:
    """Why no new round begins; empty when one does. A round that has begun is always finished."""
    if layout.round(number).exists():
        return ""
    minutes = (time.monotonic() - began) / 60
    if config.run.budget_minutes and minutes >= config.run.budget_minutes:
        return f"the budget of {config.run.budget_minutes:g} minutes is spent"
    if config.generate.queries and not unused_queries(Round(layout, number, config), load_data(config.data)):
        return "every unlabelled query was used in an earlier round; add queries to go on"
    return ""


def _stopped(layout: Layout, start: Start, last: int, why: str) -> Start:
    emit(Note(f"no further round: {why}"))
    return stop_early(layout, start, last, why)

