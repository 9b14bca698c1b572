"""The model card: what a trained directory is, where it comes from, and what it was trained on, in a screen of text."""

from __future__ import annotations

from selfimprove.train.spec import Spec


def card(spec: Spec, counts: dict[str, float]) -> str:
    """Markdown. `spec.metadata` is shown as given, `license` in the head where the hub looks for it."""
    licence = spec.metadata.get("license")
    named = [f"license: {licence}"] if licence else []
    head = ["---", *named, "library_name: transformers", "tags: [tool-calling]", "---"]
    config = spec.config
    facts = {
        "trained from": spec.model,
        "method": f"LoRA, rank {config.lora_rank}, merged" if config.method == "lora" else "full fine-tuning",
        "rows": f"{counts['rows']:.0f} ({counts['left_out']:.0f} longer than {spec.max_tokens} tokens left out)",
        "tokens": f"{counts['tokens']:.0f}, of them {counts['supervised_tokens']:.0f} supervised",
        "steps": f"{counts['steps']:.0f} of {config.batch} rows, peak learning rate {spec.learning_rate:g}",
        "loss": f"{counts['loss_first']:.3f} in the first step, {counts['loss_last']:.3f} in the last (nats a token)",
        "seed": spec.seed,
        "digest of the rows": spec.rows_sha256[:16],
        **{name: value for name, value in spec.metadata.items() if name != "license"},
    }
    lines = [f"- **{name}**: {value}" for name, value in facts.items()]
    title = "# A tool-calling model trained by selfimprove"
    return "\n".join([*head, "", title, "", *lines, "", "`selfimprove.json` names its call syntax and parser.", ""])
