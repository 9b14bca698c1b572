"""The model card: what a trained directory is, where it comes from, and what it was trained on, in a screen of text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from selfimprove.config.model import Train
from selfimprove.train.licence import licence_of
from selfimprove.train.spec import Spec


def card(spec: Spec, counts: dict[str, float], rows: Iterable[dict[str, Any]]) -> str:
    """Markdown. `rows` are those that were trained; `spec.metadata` is shown as given, `license` in the head."""
    licence = licence_of(Path(spec.model)) or spec.metadata.get("license")
    head = yaml.safe_dump({
        **({"license": str(licence)} if licence else {}), "library_name": "transformers", "tags": ["tool-calling"],
    }, sort_keys=False)  # fmt: skip
    config = spec.config
    facts = {
        "trained from": spec.model,
        "licence": licence or "not known here: that of the model it was trained from",
        "method": _method(config),
        "rows": f"{counts['rows']:.0f} ({counts['left_out']:.0f} left out, too long for {spec.max_tokens} tokens or unknown)",
        "rows by subtask": _counted(Counter(row["subtask"] for row in rows)),
        "rows by origin": _counted(Counter(_origins(Path(spec.rows)))),
        "tokens": f"{counts['tokens']:.0f}, of them {counts['supervised_tokens']:.0f} supervised",
        "steps": f"{counts['steps']:.0f} of {config.batch} rows, peak learning rate {spec.learning_rate:g}",
        "loss": f"{counts['loss_first']:.3f} in the first step, {counts['loss_last']:.3f} in the last (nats a token)",
        "seed": spec.seed,
        "digest of the rows": spec.rows_sha256[:16],
        **{name: value for name, value in spec.metadata.items() if name != "license"},
    }
    lines = [f"- **{name}**: {value}" for name, value in facts.items()]
    title = "# A tool-calling model trained by selfimprove"
    return "\n".join([f"---\n{head}---", "", title, "", *lines, "", "`selfimprove.json` names its call syntax and parser.", ""])


def _method(config: Train) -> str:
    if config.method == "full":
        return "full fine-tuning"
    return f"LoRA, rank {config.lora_rank}, " + ("kept as an adapter (`adapter.json`)" if config.keep_adapter else "merged")


def _origins(path: Path) -> Iterable[str]:
    """Where each row of the file came from: seed, replay, a band and a source."""
    with path.open(encoding="utf-8") as lines:
        return [str(json.loads(line).get("origin") or "not said") for line in lines if line.strip()]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
