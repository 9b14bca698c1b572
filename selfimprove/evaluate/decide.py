"""The decision stage: reads what champion and challenger were measured, applies the gate, and moves the champion's pointer.

The champion's outputs on the gate are the stored ones from when it was measured; nothing is measured twice, unless something
that they depend on has changed since.
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.errors import StoreError
from selfimprove.evaluate.gate import vetoes, weigh
from selfimprove.evaluate.stage import current_versions, evaluate_models
from selfimprove.events import Note, emit
from selfimprove.records import Decision, Output, Results, StageRef
from selfimprove.store import jsonl
from selfimprove.store.champion import Model, promote
from selfimprove.store.layout import read_json, write_json
from selfimprove.store.round import Round

SUITES = ("gate", "canaries", "general")


def run_first(round_: Round, model: Model, scores: StageRef) -> Decision:
    """Round 0: the first champion is elected without a contest."""
    sentence = f"{model.name} is the first champion."
    decision = Decision(round=round_.number, champion="base", challenger=model.name, promoted=True, sentence=sentence)
    return _close(round_, model, scores, decision, {})


def run_rejected(round_: Round, champion: Model) -> Decision:
    """A round whose training diverged: nothing is measured, and the champion stays."""
    why = read_json(round_.path / "train" / "rejected.json") or {"sentence": "the training diverged"}
    sentence = f"{champion.name} stays the champion: {round_.model_name} was not made, {why['sentence']}."
    decision = Decision(
        round=round_.number, champion=champion.name, challenger=round_.model_name, promoted=False, sentence=sentence
    )
    with round_.stage("decide", {"rejected": why["sentence"], "champion": champion.digest}) as stage:
        if not stage.finished:
            write_json(stage.path / "decision.json", decision.model_dump(mode="json"))
            emit(Note(sentence, "warning"))
            stage.close({"promoted": 0.0})
    return decision


def run_decide(round_: Round, champion: Model, challenger: Model, scores: StageRef) -> Decision:
    """Compares on the gate, checks the guarded rates, moves the champion's pointer or leaves it."""
    gate, champion_scores = round_.config.gate, champion_measured(round_, champion)
    old = jsonl.read(champion_scores / "gate.outputs.jsonl", Output)
    new = jsonl.read(scores.path / "gate.outputs.jsonl", Output)
    found = vetoes(gate, read_results(scores.path), read_results(champion_scores))
    decision = weigh(round_.number, champion.name, challenger.name, new, old, found, gate)
    return _close(round_, challenger, scores, decision, {"champion": champion.digest})


def champion_measured(round_: Round, champion: Model) -> Path:
    """Where the champion's outputs lie: those of when it was measured, or, where they do not hold any more, new ones.

    They hold when model, items, engine, template and parser are the same: a champion that a person promoted, or one that was
    measured with another engine or on other canaries, is measured in this round's `evaluate-champion`.
    """
    wanted = current_versions(round_.config, champion, SUITES)
    for folder in (round_.path / "evaluate-champion", *(round_.layout.round(n) / "evaluate" for n in round_.layout.rounds())):
        if (folder / "manifest.json").exists() and all(_holds(folder / f"{s}.results.json", champion, wanted[s]) for s in wanted):
            return folder
    emit(Note(f"{champion.name} was not yet measured on these items with this engine and template: it is measured now"))
    return evaluate_models(round_, "evaluate-champion", champion, SUITES).path


def _holds(file: Path, model: Model, versions: dict[str, str]) -> bool:
    stored = read_json(file)
    return isinstance(stored, dict) and (stored.get("digest"), stored.get("versions")) == (model.digest, versions)


def read_results(folder: Path) -> dict[str, Results]:
    """Suite -> results of the model that was measured in a folder. Raises StoreError for a damaged file."""
    found = {}
    for suite in SUITES:
        if stored := read_json(file := folder / f"{suite}.results.json"):
            try:
                found[suite] = Results.model_validate(stored)
            except ValueError:
                raise StoreError(f"{file}: was not written by this version; measure the model again") from None
    return found


def _close(round_: Round, model: Model, scores: StageRef, decision: Decision, inputs: dict[str, str]) -> Decision:
    gate = round_.config.gate.model_dump()
    with round_.stage("decide", {"scores": scores.digest, "model": model.digest, "gate": gate, **inputs}) as stage:
        if stage.finished:
            return Decision.model_validate(read_json(stage.path / "decision.json"))
        write_json(stage.path / "decision.json", decision.model_dump(mode="json"))
        # The pointer moves before the manifest: a kill between the two repeats the promotion, which changes nothing.
        if decision.promoted:
            promote(round_.layout, model, round_.number)
        emit(Note(decision.sentence))
        stage.close({"promoted": float(decision.promoted), "gain": decision.gain, "low": decision.low})
    return decision
