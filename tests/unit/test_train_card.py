"""The card of a trained model: whoever finds the directory alone learns where it comes from and what it may be used for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from selfimprove.config.model import Train
from selfimprove.train.card import card
from selfimprove.train.licence import licence_of
from selfimprove.train.spec import Spec

COUNTS = {"rows": 2.0, "left_out": 1.0, "tokens": 40.0, "supervised_tokens": 9.0, "steps": 1.0, "loss_first": 2.0}
COUNTS["loss_last"] = 1.5


def made(tmp_path: Path, **metadata: object) -> tuple[dict[str, object], str]:
    """(head, body)"""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"origin": origin}) + "\n" for origin in ("seed", "seed", "learnable-request")))
    spec = Spec(
        model=str(tmp_path), model_digest="cd", rows=str(rows), rows_sha256="ab" * 32, config=Train(), max_tokens=99,
        learning_rate=1e-3, seed=7, metadata=metadata,
    )  # fmt: skip
    text = card(spec, COUNTS, [{"subtask": "use"}, {"subtask": "make"}])
    _, head, body = text.split("---\n", 2)
    return yaml.safe_load(head), body


def test_lineage_and_counts_stand_in_the_card(tmp_path: Path) -> None:
    _, body = made(tmp_path, **{"started from": "bootstrap (digest 0123)", "scores of bootstrap on the gate": "15 of 71 calls"})
    for part in (str(tmp_path), "bootstrap (digest 0123)", "15 of 71 calls", "1 use, 1 make", "2 seed, 1 learnable-request"):
        assert part in body


def test_the_licence_of_the_base_is_passed_on(tmp_path: Path) -> None:
    assert "license" not in made(tmp_path)[0]
    assert "not known here" in made(tmp_path)[1]
    assert made(tmp_path, license="apache-2.0")[0]["license"] == "apache-2.0"
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# A base\n")
    head, body = made(tmp_path, license="apache-2.0")
    assert head["license"] == "mit" and "**licence**: mit" in body
    (tmp_path / "README.md").write_text(f"---\n{yaml.safe_dump(head)}---\n")
    assert licence_of(tmp_path) == "mit"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("---\nlicense: other\nlicense_name: llama3\n---\n", "llama3"), ("---\nlicense: other\n---\n", "other"), ("# no", None),
        ("---\n{broken: [\n---\n", None), ("---\n- a\n---\n", None), ("---\nlicense:\n---\n", None), ("\x00", None),
    ],
)  # fmt: skip
def test_a_card_of_any_sort_is_read_without_failing(tmp_path: Path, text: str, licence: str | None) -> None:
    (tmp_path / "README.md").write_text(text)
    assert licence_of(tmp_path) == licence
