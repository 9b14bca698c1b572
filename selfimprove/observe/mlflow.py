"""Tracks a run in MLflow: a copy of the figures for people who compare runs there. The files stay the truth.

    track_round(layout, config, 1)       # after the round's decision
    track_final(layout, config)          # after the test suite

One experiment (`run.experiment`), a parent run for each run name, a child for each round. Calling twice logs nothing
twice: ids and what was logged are in runs/NAME/mlflow.json, metrics carry the time of the decision, and a child that a
kill left half logged is found again and finished. MLflow that cannot be reached is a warning, never the end of a run;
what is owed is logged by the next call. The only module that imports mlflow, inside functions: it takes seconds.

Where: SQLite `runs/mlflow.db` and `runs/mlartifacts` by absolute path; MLFLOW_TRACKING_URI in the environment wins.

| metric | of | meaning |
|---|---|---|
| gate/call, gate/call_low, gate/call_high | parent at step = round, child | call accuracy on the gate, Wilson 95 % |
| gate/abstention, ..._low, ..._high | the same | abstention accuracy on the gate |
| canaries/call, canaries/abstention | the same | accuracy on the canaries |
| general/accuracy | the same | plain questions answered |
| base/gate/call, base/gate/abstention | parent at step 0 | the base model on the gate |
| decision/gain, decision/low, decision/high, decision/promoted | parent, child | gain over the champion; 1: adopted |
| made, parsed, accepted, rejected, unknown, selected, trained | the same | the round's funnel |
| oracle/precision, oracle/recall | the same | the verifier on problems whose gold it did not see |
| selftest/RATE (and _low, _high) | the same | share of cases on which the verifier erred, Wilson 95 % |
| return/per_device_hour, return/per_1000_tokens | the same | points of gain for what they cost (docs/formats.md) |
| seconds/STAGE | the same | seconds spent in a stage |
| train/loss, train/loss/SUBTASK, train/learning_rate, train/grad_norm | child at step = optimizer step | training |
| train/tokens_per_second, train/supervised_share, train/peak_gb | the same | its speed, and what it took |
| test/MODEL/call, test/MODEL/abstention (and _low, _high) | parent at step = last round | the test suite |
| test/A_minus_B (and _low, _high) | the same | paired difference of call accuracy on the test items |
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfimprove.config import Config
from selfimprove.events import Note, emit
from selfimprove.observe.figures import RunSummary
from selfimprove.observe.measures import final_metrics, round_metrics, step_metrics
from selfimprove.observe.read import flatten, settings
from selfimprove.observe.summary import finals, model_name, summarize
from selfimprove.store.layout import Layout, read_json, write_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"
LOGGED = "selfimprove.logged"
BATCH, PARAMS = 1000, 100
"""What MLflow takes in one request: metrics, and parameters."""


def track_round(layout: Layout, config: Config, round_: int) -> None:
    """Logs a decided round; one without a decision is left alone."""
    if model_name(round_) in _known(layout, config)["logged"]:
        return  # without the seconds that importing mlflow takes
    with _reported(layout, config):
        _Tracker(layout, config).round(summarize(layout), round_)


def track_final(layout: Layout, config: Config) -> None:
    """Logs the test suite, and before it whatever rounds are not logged yet."""
    with _reported(layout, config):
        tracker, summary = _Tracker(layout, config), summarize(layout)
        for decision in summary.decisions:
            tracker.round(summary, decision.round)
        tracker.final(summary)


def tracking_uri(layout: Layout) -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{layout.folder.resolve() / 'mlflow.db'}"


def open_command(layout: Layout) -> str:
    """The command that shows the run in a browser. Nothing here needs the server's seven job processes."""
    uri = tracking_uri(layout)
    if uri.startswith("http"):
        return f"open {uri}"
    program = Path(sys.executable).parent / "mlflow"
    quiet = "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false"
    return f"{quiet} {program} server --backend-store-uri {uri} --port 5000   # then open http://127.0.0.1:5000"


@contextmanager
def _reported(layout: Layout, config: Config) -> Iterator[None]:
    """Tracking is a copy: whatever goes wrong with it becomes a sentence, and the run goes on."""
    try:
        yield
    except Exception as error:  # any client, database or network error of a service that the run does not need
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        emit(Note(
            f"MLflow at {tracking_uri(layout)} could not be written ({first}); the run goes on, and the next start logs what "
            f"is missing in experiment {config.run.experiment}.", "warning",
        ))  # fmt: skip


class _Tracker:
    """The client, the ids known so far, and explicit run ids in every call (never MLflow's active run)."""

    def __init__(self, layout: Layout, config: Config) -> None:
        self.layout, self.state = layout, _known(layout, config)
        self.client = _client(self.state["uri"])
        self.experiment = _experiment(self.client, config.run.experiment, layout)
        self.parent = self._parent(config)

    def round(self, summary: RunSummary, round_: int) -> None:
        name = model_name(round_)
        decision = next((d for d in summary.decisions if d.round == round_), None)
        if decision is None or name in self.state["logged"]:
            return
        folder = self.layout.round(round_)
        child, when = self._child(round_), _written(folder / "decide" / "decision.json")
        metrics = round_metrics(summary, round_)
        if LOGGED not in self.client.get_run(child).data.tags:
            frozen = settings(folder / "config.yaml")
            self._params(child, frozen)
            self._metrics(child, [(key, value, round_) for key, value in metrics.items()], when)
            self._metrics(child, list(step_metrics(summary, round_)), when)
            word = "adopted" if decision.promoted else "kept"
            self._tags(child, {"selfimprove.decision": word, "selfimprove.sentence": decision.sentence})
            self._artifacts(child, [folder / "decide" / "decision.json", folder / "config.yaml", self.layout.report])
        self._metrics(self.parent, [(key, value, round_) for key, value in metrics.items()], when)
        self._close(child, name, when)

    def final(self, summary: RunSummary) -> None:
        done = [folder for folder in finals(self.layout) if (folder / "comparison.json").is_file()]
        if not done or done[-1].name in self.state["logged"]:
            return
        step = int(done[-1].name.removeprefix("final-"))
        comparison = done[-1] / "comparison.json"
        self._metrics(self.parent, [(k, v, step) for k, v in final_metrics(summary).items()], _written(comparison))
        self._tags(self.parent, {"selfimprove.champion": summary.champion or ""})
        self._artifacts(self.parent, [comparison, self.layout.champion, self.layout.report])
        self._close(None, done[-1].name, _written(comparison))

    def _parent(self, config: Config) -> str:
        if found := self._alive(self.state["parent"]):
            return found
        # The database may outlive the folder of the run: the folder's creation time tells two runs of one name apart.
        card = read_json(self.layout.card) or {}
        identity = f"{self.layout.root.resolve()} {card.get('created', '')}".strip()
        tags = {"selfimprove.run": identity, "selfimprove.model": config.model}
        found = self._find({"selfimprove.run": identity}) or self._create(self.layout.name, tags, self.layout.card)
        self.state["parent"] = found
        self._remember()
        return found

    def _child(self, round_: int) -> str:
        name = model_name(round_)
        if found := self._alive(self.state["children"].get(name)):
            return found
        tags = {PARENT: self.parent, "selfimprove.round": str(round_)}
        config = self.layout.round(round_) / "config.yaml"
        found = self._find(tags) or self._create(f"{self.layout.name} {name}", tags, config)
        self.state["children"][name] = found
        self._remember()
        return found

    def _alive(self, run: str | None) -> str | None:
        """The run unless someone deleted it."""
        from mlflow.exceptions import MlflowException

        try:
            return run if run and self.client.get_run(run).info.lifecycle_stage == "active" else None
        except MlflowException:
            return None

    def _find(self, tags: Mapping[str, str]) -> str | None:
        """A run that an earlier start created but could not write down."""
        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items() if "'" not in value)
        runs = self.client.search_runs([self.experiment], query, max_results=10)
        exact = (r for r in runs if all(r.data.tags.get(key) == value for key, value in tags.items()))
        return next((str(run.info.run_id) for run in exact), None)

    def _create(self, name: str, tags: dict[str, str], first: Path) -> str:
        """`first` is the file that its work began with: MLflow shows durations, and logging takes milliseconds."""
        began = _written(first) if first.is_file() else None
        return str(self.client.create_run(self.experiment, start_time=began, tags=tags, run_name=name).info.run_id)

    def _params(self, run: str, frozen: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        # Our keys may hold characters that MLflow refuses in a name.
        params = [Param(_safe(key), str(value)[:6000]) for key, value in flatten(dict(frozen))]
        for start in range(0, len(params), PARAMS):
            self.client.log_batch(run, params=params[start : start + PARAMS])

    def _metrics(self, run: str, found: list[tuple[str, float, int]], when: int) -> None:
        """The same (key, value, time, step) again is one row in MLflow, so a repeated attempt doubles nothing."""
        from mlflow.entities import Metric

        metrics = [Metric(_safe(key), value, when, step) for key, value, step in found]
        for start in range(0, len(metrics), BATCH):
            self.client.log_batch(run, metrics=metrics[start : start + BATCH])

    def _tags(self, run: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self.client.set_tag(run, key, value[:5000])

    def _artifacts(self, run: str, files: list[Path]) -> None:
        for file in files:
            if file.is_file():
                self.client.log_artifact(run, str(file))

    def _close(self, child: str | None, name: str, when: int) -> None:
        """From here on `name` is logged. The parent is never left RUNNING: whoever is killed next ends nothing."""
        if child:
            self._tags(child, {LOGGED: name})
            self.client.set_terminated(child, "FINISHED", when)
        self.client.set_terminated(self.parent, "FINISHED", when)
        self.state["logged"].append(name)
        self._remember()

    def _remember(self) -> None:
        write_json(self.layout.root / "mlflow.json", self.state)


def _known(layout: Layout, config: Config) -> dict[str, Any]:
    """Ids, and the names of what was logged. Those of another server, or of a database that is gone, mean nothing."""
    uri, experiment = tracking_uri(layout), config.run.experiment
    known = read_json(layout.root / "mlflow.json") or {}
    there = not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).exists()
    if there and (known.get("uri"), known.get("experiment")) == (uri, experiment):
        return dict(known)
    return {"uri": uri, "experiment": experiment, "parent": None, "children": {}, "logged": []}


def _client(uri: str) -> MlflowClient:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # A new database is migrated through fifty versions, each with a line on the terminal.
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.store.db"):
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def _experiment(client: MlflowClient, name: str, layout: Layout) -> str:
    if found := client.get_experiment_by_name(name):
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)
    # A server keeps artifacts where it wants; a database alone would put them below the current directory.
    ours = not tracking_uri(layout).startswith(("http", "databricks"))
    folder = (layout.folder / "mlartifacts").resolve()
    # The kind decides which of MLflow's two faces opens: model training, not conversations with agents.
    kind = {"mlflow.experimentKind": "custom_model_development"}
    return str(client.create_experiment(name, artifact_location=folder.as_uri() if ours else None, tags=kind))


def _written(file: Path) -> int:
    """Milliseconds at which a result was written: the same each time it is logged."""
    return int(file.stat().st_mtime * 1000)


def _safe(key: str) -> str:
    return re.sub(r"[^\w./ -]", "_", key)
