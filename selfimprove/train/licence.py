"""The licence under which a model came, as its card says: a trained model is under the one of its base.

    licence_of(Path("models/mine"))      # "apache-2.0"; None when nothing says it
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import yaml


def licence_of(path: Path) -> str | None:
    """From the head of README.md, as model hubs write it (`license`, and `license_name` where that is `other`)."""
    with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
        text = (path / "README.md").read_text(encoding="utf-8")
        found = re.match(r"---\s*\n(.*?)\n---\s*\n", text, re.DOTALL)
        head = yaml.safe_load(found[1]) if found else None
        if isinstance(head, dict):
            named = head.get("license_name") if head.get("license") == "other" else head.get("license")
            return str(named or head["license"]) if named or head.get("license") else None
    return None
