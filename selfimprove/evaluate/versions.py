"""What a measurement depends on besides the model: two are compared, and a stored one is used again, only when all are equal.

    versions_of(model_dir, suite, config.engine, max_tokens=96)["template"]
"""

from __future__ import annotations

from pathlib import Path

from selfimprove.chat import PARSER_VERSION
from selfimprove.chat.families import language
from selfimprove.config.model import Engine
from selfimprove.tools.suite import Suite

SCRIPTED = {"family": "", "syntax": "hermes", "parser": str(PARSER_VERSION), "template": ""}
"""A scripted engine has no model, so no family and no template."""


def versions_of(model: Path, suite: Suite, engine: Engine, max_tokens: int) -> dict[str, str]:
    """Keys: see docs/formats.md. Raises ModelError for a model whose language is not known."""
    spoken = SCRIPTED if engine.kind == "scripted" else {key: str(value) for key, value in language(model).items()}
    return {
        "suite": suite.digest, "suite_version": suite.version, "profile": suite.profile, **spoken, "engine": engine.kind,
        "dtype": engine.dtype, "max_model_len": str(engine.max_model_len), "max_tokens": str(max_tokens),
    }  # fmt: skip
