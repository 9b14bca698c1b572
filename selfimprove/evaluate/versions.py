"""What a measurement depends on besides the model: two are compared, and a stored one is used again, only when all are equal.

    versions_of(model_dir, suite, config.engine, max_tokens=96)["template"]
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.chat import PARSER_VERSION, family_of
from selfimprove.chat.families import TEMPLATES, own_template
from selfimprove.config.model import Engine
from selfimprove.records import digest
from selfimprove.tools.suite import Suite


def versions_of(model: Path, suite: Suite, engine: Engine, max_tokens: int) -> dict[str, str]:
    """Keys: see docs/formats.md. A scripted engine has no model, so no family and no template."""
    family = "" if engine.kind == "scripted" else family_of(model).name
    return {
        "suite": suite.digest, "suite_version": suite.version, "profile": suite.profile, "family": family,
        "template": template_digest(model) if family else "", "parser": str(PARSER_VERSION), "engine": engine.kind,
        "dtype": engine.dtype, "max_model_len": str(engine.max_model_len), "max_tokens": str(max_tokens),
    }  # fmt: skip


def template_digest(model: Path) -> str:
    """Of the text that turns messages and tools into a prompt."""
    name = family_of(model).template
    return digest((TEMPLATES / name).read_text(encoding="utf-8") if name else own_template(model))

