"""Families: one row binds a template, a call syntax, its parser and its stop tokens, so they cannot drift apart.

`selfimprove.json` in a model directory names the family; without it the family is found from the model's own template.
The project writes a template only for models whose own ignores tools. Parser and template that disagree make valid calls
look invalid (vllm 18791, 21301): a test renders and parses every family.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from selfimprove.errors import ModelError

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Family:
    """`template` is None when the model's own is used; `stop` are the texts that end an assistant's turn."""

    name: str
    syntax: str
    template: str | None
    stop: tuple[str, ...]
    vllm_parser: str
    """Name of vLLM's own parser for this syntax, for `vllm serve --tool-call-parser`."""


FAMILIES = {
    row.name: row
    for row in (
        Family("selfimprove", "hermes", "selfimprove.jinja", ("<|im_end|>",), "hermes"),
        Family("hermes", "hermes", None, (), "hermes"),
    )
}


def family_of(model: Path) -> Family:
    """The family of a model directory. Raises ModelError for one whose template knows no tools and names no family."""
    try:
        card = json.loads((model / "selfimprove.json").read_text(encoding="utf-8"))
        return FAMILIES[card["family"]]
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{model / 'selfimprove.json'}: names no known family; use one of {', '.join(FAMILIES)}") from None
    template = own_template(model)
    if "tools" in template and "<tool_call>" in template:
        return FAMILIES["hermes"]
    what = "ignores tools" if "tools" not in template else "uses a call syntax not known here"
    raise ModelError(
        f"{model}: {f'its chat template {what}' if template else 'it has no chat template'}; "
        'write {"family": "selfimprove"} into its selfimprove.json to train it on the project\'s own template'
    )


def own_template(model: Path) -> str:
    """The text of a model directory's chat template, wherever its tokenizer keeps it; empty when there is none."""
    file = model / "chat_template.jinja"
    if file.exists():
        return file.read_text(encoding="utf-8")
    try:
        found = json.loads((model / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    except (OSError, ValueError):
        return ""
    return found if isinstance(found, str) else json.dumps(found or "")


def install(model: Path, family: str) -> None:
    """Writes the family's template and `selfimprove.json` into a model directory."""
    row = FAMILIES[family]
    if row.template:
        shutil.copyfile(TEMPLATES / row.template, model / "chat_template.jinja")
    card = {"family": row.name, "syntax": row.syntax, "stop": list(row.stop), "vllm_tool_call_parser": row.vllm_parser}
    (model / "selfimprove.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
