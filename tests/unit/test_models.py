"""Model directories: what is wrong with one, what identifies one, and where a name leads. Nothing is converted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from selfimprove.errors import ModelError
from selfimprove.models import check_model, model_digest, resolve_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "tokenizer.json").write_text("{}")
    (path / "chat_template.jinja").write_text("{{ tools }}<tool_call>{{ messages }}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_a_complete_directory_passes(model: Path) -> None:
    check_model(model)


def test_a_template_that_ignores_tools_is_refused_until_a_family_is_named(model: Path) -> None:
    (model / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(ModelError, match="ignores tools"):
        check_model(model)
    (model / "selfimprove.json").write_text('{"family": "selfimprove"}')
    check_model(model)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("config.json", "has no config.json"),
        ("tokenizer.json", "has no tokenizer"),
        ("model.safetensors", "has no weights"),
        ("chat_template.jinja", "has no chat template"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(model: Path, file: str, sentence: str) -> None:
    (model / file).unlink()
    with pytest.raises(ModelError, match=sentence) as caught:
        check_model(model)
    assert "\n" not in str(caught.value) and str(model) in str(caught.value)


def test_torn_files_are_refused(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="has no weights"):
        check_model(model)
    (model / "config.json").write_text('{"a":')
    with pytest.raises(ModelError, match=r"config\.json: cannot be read"):
        check_model(model)
    with pytest.raises(ModelError, match="is not a directory"):
        check_model(model / "nothing")


def test_the_digest_is_of_the_content(model: Path, tmp_path: Path) -> None:
    first = model_digest(model)
    shutil.copytree(model, tmp_path / "copy", ignore=shutil.ignore_patterns(".digests.json"))
    os.utime(tmp_path / "copy" / "model.safetensors", (1, 1))
    (tmp_path / "copy" / "trainer_log.txt").write_text("no part of what the model says")
    assert model_digest(tmp_path / "copy") == first
    (model / "model.safetensors").write_bytes(b"WEIGHTS")
    assert model_digest(model) != first


def test_a_known_file_is_not_read_again(model: Path) -> None:
    first = model_digest(model)
    side = model / ".digests.json"
    known = json.loads(side.read_text())
    known["model.safetensors"]["sha256"] = "what the side file says"
    side.write_text(json.dumps(known))
    assert model_digest(model) != first
    side.write_text("torn {")
    assert model_digest(model) == first


def test_names_lead_to_directories(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_model(str(model), tmp_path) == model
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="no such directory"):
        resolve_model("models/of/nobody", tmp_path)
    with pytest.raises(ModelError, match="is a file"):
        resolve_model(str(model / "config.json"), tmp_path)
