"""The trained weights as a model directory that transformers and vLLM load. Runs in the worker, on every rank.

    export(engine, rows, spec, out, tokenizer, steps)     # out/model

Written to `model.tmp` and renamed only after it was loaded again: names and shapes and values are those of the trainer
and the next token is the trainer's. ZeRO-3 with tied weights saves empty tensors elsewhere (DeepSpeed 3841).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from selfimprove.chat.families import family_of, install
from selfimprove.errors import TrainError
from selfimprove.models import model_digest
from selfimprove.store.adapter import read_adapter, write_card
from selfimprove.train.card import card
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.model import load_model, load_plain, with_adapter
from selfimprove.train.progress import Steps
from selfimprove.train.rank import Rank
from selfimprove.train.spec import MODEL, PART, RESULT, Spec, write_json

COPIED = ("chat_template.jinja", "selfimprove.json", "generation_config.json")
"""What the source says of how to speak with the model, which training does not change."""
TOLERANCE = {torch.float32: 1e-2, torch.bfloat16: 0.5}
"""How far the trainer's token may lie below the best one, in logits: merged LoRA rounds differently."""


def export(engine: Any, rows: list[dict[str, Any]], spec: Spec, out: Path, tokenizer: Any, steps: Steps) -> None:
    """Raises TrainError when the written model is not the trained one, and DivergedError when that holds no numbers."""
    rank = steps.rank
    probe = collate([min(rows, key=lambda row: (row["length"], row["id"]))], rank.device)
    logits = _logits(engine, probe)
    weights, sound = _gather(engine, rank.index)
    if not _all(sound and bool(logits.isfinite().all()), rank):
        # No later step would tell: the loss of the last one was made before its update.
        steps.refuse("its last update left weights that are no numbers, or too large to compute with", "lower the learning rate")
    place, token = _surest_token(logits)
    if rank.index:
        torch.distributed.barrier()
        return
    part = out / PART
    model = _plain(weights, spec)
    model.save_pretrained(str(part))
    tokenizer.save_pretrained(str(part))
    _copy(Path(spec.model), part)
    # A source that only names its family in selfimprove.json gets the family's template: that is what was trained.
    install(part, family_of(Path(spec.model)).name)
    if spec.config.keep_adapter:
        write_card(part, model_digest(Path(model.active_peft_config.base_model_name_or_path)))
    (part / "README.md").write_text(card(spec, steps.counts, rows), encoding="utf-8")
    _check(part, model, {name: tensor.cpu() for name, tensor in probe.items()}, place, token)
    write_json(out / RESULT, steps.counts)
    part.rename(out / MODEL)
    torch.distributed.barrier()


def _logits(engine: Any, probe: dict[str, Tensor]) -> Tensor:
    """Of the supervised positions. Every rank takes part: under ZeRO-3 none has the weights alone."""
    engine.eval()
    with torch.no_grad():
        return engine.module.logits(probe["input_ids"], probe["positions"])  # type: ignore[no-any-return]


def _surest_token(logits: Tensor) -> tuple[int, int]:
    """(place among the supervised positions, token): where the trainer is surest of the next token, so that rounding
    cannot decide."""
    best = logits.topk(2).values
    place = int((best[:, 0] - best[:, 1]).argmax())
    return place, int(logits[place].argmax())


def _all(here: bool, rank: Rank) -> bool:
    """Whether it is so on every rank: all must end together."""
    found = torch.tensor([float(here)], device=rank.device)
    torch.distributed.all_reduce(found, op=torch.distributed.ReduceOp.MIN)
    return bool(found.item())


def _gather(engine: Any, rank_index: int) -> tuple[dict[str, Tensor], bool]:
    """The trained weights by name, on the CPU of the first rank, and whether all are numbers; gathered one at a time."""
    import deepspeed

    sharded = engine.zero_optimization_stage() == 3
    found, sound = {}, True
    for name, weight in engine.module.model.named_parameters():
        if not weight.requires_grad:
            continue
        with deepspeed.zero.GatheredParameters([weight], enabled=sharded):
            # The extremes of numbers are numbers, and nothing as large as the weight is made to find them.
            sound = sound and all(end.isfinite() for end in weight.detach().aminmax())
            if rank_index == 0:
                found[name] = weight.detach().cpu().clone() if sharded else weight.detach().cpu()
    return found, sound


def _plain(weights: dict[str, Tensor], spec: Spec) -> Any:
    """The source model with the trained weights put in: tied weights and unused ones stay as the source has them."""
    model = load_model(Path(spec.model), spec.config, dtype=next(iter(weights.values())).dtype)
    names = set(dict(model.named_parameters()))
    if unknown := set(weights) - names:
        raise TrainError(f"{spec.model}: has no weights {sorted(unknown)[:3]}; train again from a sound model")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in weights:
                if weights[name].shape != weight.shape or weights[name].numel() == 0:
                    raise TrainError(f"the trained weight {name} was not gathered; train again with train.zero_stage=2")
                weight.copy_(weights[name])
    merged = spec.config.method == "lora" and not spec.config.keep_adapter
    return model.merge_and_unload() if merged else model


def _copy(source: Path, part: Path) -> None:
    for name in COPIED:
        if (source / name).exists():
            shutil.copyfile(source / name, part / name)


def _tied(model: Any) -> bool:
    """Whether the output layer is the embeddings: one tensor, not two that are equal."""
    return bool(model.get_output_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr())


def _check(part: Path, model: Any, probe: dict[str, Tensor], place: int, token: int) -> None:
    adapter = read_adapter(part)
    loaded = with_adapter(load_plain(adapter.base, model.dtype), part) if adapter else load_plain(part, model.dtype)
    wanted, found = model.state_dict(), loaded.state_dict()
    if wanted.keys() != found.keys():
        unlike = sorted(wanted.keys() ^ found.keys())[:3]
        raise TrainError(f"{part}: its weights are not those of the trained model ({unlike}); train again")
    if _tied(model) != _tied(loaded):
        raise TrainError(f"{part}: its output layer {'is not' if _tied(model) else 'is'} tied to its embeddings; train again")
    for name, tensor in wanted.items():
        if tensor.numel() == 0 or tensor.shape != found[name].shape or not torch.equal(tensor, found[name]):
            raise TrainError(f"{part}: the weight {name} is not the trained one; train again")
    with torch.no_grad():
        logits = Supervised(loaded.eval()).logits(probe["input_ids"], probe["positions"])[place]
    if not logits[token] >= logits.max() - TOLERANCE.get(model.dtype, 0.5):
        raise TrainError(
            f"{part}: the written model goes on with token {int(logits.argmax())} where the trained one had {token}; "
            "train again, with train.method=full if it was LoRA"
        )
