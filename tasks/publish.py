"""Publish: MLflow and the report, from what is on disk. Repeating it changes nothing; a failure loses nothing made."""

from prefect import task

from selfimprove.observe.mlflow import track_final, track_round
from selfimprove.observe.report import write_report
from selfimprove.store.round import Round
from tasks import OPTIONS


@task(name="publish", **OPTIONS)
def publish(round_: Round) -> None:
    write_report(round_.layout)
    if round_.part == "final":
        track_final(round_.layout, round_.config)
    else:
        track_round(round_.layout, round_.config, round_.number)
