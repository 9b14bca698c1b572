"""Families: one row binds a template, a call syntax, its parser and its stop tokens, so they cannot drift apart.

    family_of(Path("models/qwen")).syntax == "hermes-lines"
    language(Path("models/qwen"))             # what a score states: family, syntax, parser version, digest of the template

Found from the model's own template; `selfimprove.json` in the model directory names another family, or other stop tokens.
The project writes a template only for models whose own ignores tools. Parser and template that disagree make valid calls look
invalid (vllm 18791, 21301): the doctor lets the template write calls and reads them (`selfimprove.chat.doctor`).
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfimprove.chat.parse import PARSER_VERSION
from selfimprove.chat.write import SYNTAXES
from selfimprove.errors import ModelError
from selfimprove.records import digest

TEMPLATES = Path(__file__).parent / "templates"
CARD = "selfimprove.json"


@dataclass(frozen=True)
class Family:
    """`template` is None when the model's own is used; `stop` are the texts that end an assistant's turn."""

    name: str
    syntax: str
    """A key of `selfimprove.chat.write.SYNTAXES`."""
    template: str | None
    stop: tuple[str, ...]
    vllm_parser: str
    """Name of vLLM's own parser for this syntax, for `vllm serve --tool-call-parser`."""


FAMILIES = {
    row.name: row
    for row in (
        Family("selfimprove", "hermes", "selfimprove.jinja", ("<|im_end|>",), "hermes"),
        Family("hermes", "hermes-lines", None, (), "hermes"),
        Family("llama3", "llama3", None, ("<|eot_id|>", "<|eom_id|>"), "llama3_json"),
        Family("mistral", "mistral", None, ("</s>",), "mistral"),
        Family("mistral-args", "mistral-args", None, ("</s>",), "mistral"),
        Family("json", "json", None, (), "xlam"),
        Family("toolace", "brackets", None, ("<|eot_id|>",), "pythonic"),
        Family("pythonic", "python-list", None, ("<|eot_id|>", "<|eom_id|>"), "pythonic"),
    )
}

FORMS = {
    "hermes": '<tool_call>{"name": ..., "arguments": {...}}</tool_call>', "json": '[{"name": ..., "arguments": {...}}]',
    "llama3": '{"name": ..., "parameters": {...}}', "mistral": '[TOOL_CALLS] [{"name": ..., "arguments": {...}}]',
    "mistral-args": "[TOOL_CALLS]name[ARGS]{...}", "brackets": "[name(key=value)]", "python-list": "[name(key=value)]",
    "python": "name(key=value)",
}  # fmt: skip
"""What a system prompt says of the syntax: written as the first one in `subtasks/prompts/`, shown as the family's own."""

_SIGNS = (
    ("", re.compile(r"<arg_key>|<function=|<parameter=|<\|tool_calls_section_begin\|>|<｜tool")),
    ("mistral-args", re.compile(r"\[TOOL_CALLS\](?s:.)*\[ARGS\]")),
    ("mistral", re.compile(r"\[TOOL_CALLS\]")),
    ("hermes", re.compile(r"<tool_call>")),
    ("pythonic", re.compile(r"\[func_name1\(|\[func1\(|<\|python_start\|>")),
    ("llama3", re.compile(r"<\|python_tag\|>|[\"']parameters\\?[\"']:\s*(?:dictionary|\{)|\"parameters\": ")),
    ("json", re.compile(r"[\"']arguments\\?[\"']\s*:|tool_call\.arguments|tool_calls")),
)
"""What the source of a template shows, most telling first. An empty name: a syntax that is not known here."""


def family_of(model: Path) -> Family:
    """The family of a model directory. Raises ModelError for one whose template knows no tools and names no family."""
    card = _card(model)
    if card:
        row = FAMILIES[card["family"]]
        return replace(row, syntax=card.get("syntax", row.syntax), stop=tuple(card.get("stop", row.stop)))
    template = own_template(model)
    found = detect(template)
    if found in FAMILIES:
        return FAMILIES[found]
    raise ModelError(
        f"{model}: {found}; "
        'write {"family": "selfimprove"} into its selfimprove.json to train it on the project\'s own template, or name its '
        f"family there ({', '.join(FAMILIES)})"
    )


def detect(template: str) -> str:
    """The name of a family, or the reason why none fits."""
    if not template.strip():
        return "it has no chat template"
    if not re.search(r"\btools\b", template):
        return "its chat template ignores tools"
    name = next((name for name, sign in _SIGNS if sign.search(template)), "")
    return name or "its chat template uses a call syntax not known here"


def language(model: Path) -> dict[str, Any]:
    """What decides how a model is spoken to and read, for the record of a score. Raises ModelError."""
    family = family_of(model)
    template = (TEMPLATES / family.template).read_text(encoding="utf-8") if family.template else own_template(model)
    return {"family": family.name, "syntax": family.syntax, "parser": PARSER_VERSION, "template": digest(template)}


def _card(model: Path) -> dict[str, Any]:
    """`selfimprove.json`; empty when there is none."""
    file = model / CARD
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        card = None
    if not isinstance(card, dict) or not isinstance(card.get("family"), str) or card["family"] not in FAMILIES:
        raise ModelError(f"{file}: names no known family; use one of {', '.join(FAMILIES)}")
    if card.get("syntax", "hermes") not in SYNTAXES:
        raise ModelError(f"{file}: names no known syntax; use one of {', '.join(SYNTAXES)}, or leave `syntax` out")
    stop = card.get("stop", [])
    if not isinstance(stop, list) or not all(isinstance(text, str) and text for text in stop):
        raise ModelError(f"{file}: `stop` is no list of texts; name the tokens that end a turn, or leave it out")
    return card


def own_template(model: Path) -> str:
    """The text of a model directory's chat template, the one for tools where it has several; empty when there is none."""
    for file in (model / "additional_chat_templates" / "tool_use.jinja", model / "chat_template.jinja"):
        if file.exists():
            return file.read_text(encoding="utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json"):
        try:
            found = json.loads((model / name).read_text(encoding="utf-8")).get("chat_template")
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(found, str):
            return found
        if isinstance(found, list):
            named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
            return str(named.get("tool_use") or named.get("default") or "")
    return ""


def install(model: Path, family: str) -> None:
    """Writes the family's template and `selfimprove.json` into a model directory."""
    row = FAMILIES[family]
    if row.template:
        shutil.copyfile(TEMPLATES / row.template, model / "chat_template.jinja")
    card = {"family": row.name, "syntax": row.syntax, "stop": list(row.stop), "vllm_tool_call_parser": row.vllm_parser}
    (model / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
