"""A model whose own template ignores tools: with its family named it is prompted, and so trained, with the tools shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from selfimprove.chat.render import load_tokenizer, prompt_text
from selfimprove.records import Message, Tool

pytestmark = pytest.mark.real


def test_a_family_named_in_selfimprove_json_shows_the_tools_whatever_the_models_template(
    tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "foreign"
    shutil.copytree(tiny_model, model)
    (model / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    tool = Tool(name="get_tide", description="Tide at a harbor.")
    said = prompt_text(load_tokenizer(model), (Message(role="user", content="When is high tide?"),), (tool,))
    assert "get_tide" in said and "When is high tide?" in said
