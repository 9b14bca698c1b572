"""`model:` of a configuration -> a directory: a local path, `embedded`, or an id on the Hugging Face hub.

    resolve_model("embedded", Path("runs/models"))             # converted once, then at once
    resolve_model("models/qwen", Path("runs/models"))          # as it is
    resolve_model("Qwen/Qwen2.5-0.5B-Instruct", Path("runs/models"))
"""

from __future__ import annotations

import re
from pathlib import Path

from selfimprove.errors import ModelError
from selfimprove.models.embedded import embedded_model

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
HUB_FILES = ["*.json", "*.jinja", "*.safetensors", "tokenizer.model", "*.txt"]


def resolve_model(model: str, cache: Path) -> Path:
    """The absolute directory of a model. Raises ModelError when there is none; `check_model` looks inside."""
    if model == "embedded":
        return embedded_model(cache.absolute())
    path = Path(model).expanduser()
    if path.is_dir():
        return path.absolute()
    if path.exists():
        raise ModelError(f"{model}: is a file, not a model directory; give the directory that holds config.json")
    if not HUB_ID.match(model):
        raise ModelError(f"{model}: no such directory; give a model directory, a hub id (owner/name) or `embedded`")
    return _from_hub(model)


def _from_hub(model: str) -> Path:
    """The snapshot in the hub's own cache; weights as safetensors only, since pickles run code when they are opened."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=HUB_FILES)).absolute()
    except Exception as error:  # the hub client raises a dozen types: offline, gated, unknown, full disk
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{model}: is no directory here and cannot be fetched from the hub ({reason}); "
            "check the name and the network, or use `embedded`"
        ) from None
