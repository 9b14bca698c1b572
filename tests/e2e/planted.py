"""Faults planted in models and exports, and what the trainer says of each. Run beside torch, in a fork (`tests.e2e.warm`)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from selfimprove.config.model import Train
from selfimprove.errors import TrainError
from selfimprove.train.activations import add_in_place, keep
from selfimprove.train.export import _check, _logits, _surest_token, export
from selfimprove.train.lean import lean
from selfimprove.train.loss import Supervised, collate
from selfimprove.train.model import load_model, load_plain
from selfimprove.train.packing import pack
from selfimprove.train.probes import logits_are_plain, may_pack
from selfimprove.train.progress import Steps
from selfimprove.train.rank import Rank
from selfimprove.train.spec import Spec
from selfimprove.train.worker import _prepare, prepared

Weights = dict[str, Tensor]
FIRST = "model.layers.0.mlp.up_proj.weight"
SET = Train(zero_stage=0, micro_batch=8, batch=8, offload=False, gradient_checkpointing=False)
"""What the caller's process hands to a rank: nothing is `auto` any more."""


def changed(source: Path, path: Path, change: Callable[[Weights], Any], **config: Any) -> Path:
    """A copy of a model directory with other weights and other lines in its config.json."""
    shutil.copytree(source, path)
    weights = load_file(path / "model.safetensors")
    change(weights)
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    known = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**known, **config}))
    return path


class Engine:
    """What an export needs of DeepSpeed's."""

    def __init__(self, model: Any) -> None:
        self.module = Supervised(model)

    def eval(self) -> None:
        self.module.eval()

    def zero_optimization_stage(self) -> int:
        return 0


def exported(model: str, folder: str) -> dict[str, Any]:
    """What is said of exports of a model, and whether there is one: sound, with a forward pass that is not its weights', with a
    weight that is no number where the probe does not see it, and with weights that are, but too large to compute with."""
    from selfimprove.chat.render import load_tokenizer

    _alone()
    row = {
        "id": "a", "subtask": "use", "input_ids": [5, 6, 7, 8, 9, 10], "spans": [2, 6], "supervised": 4, "first_supervised": 2,
        "length": 6,
    }  # fmt: skip
    found = {}
    for name in ("sound", "other", "poisoned", "large"):
        out = Path(folder) / name
        (out / "rows").mkdir(parents=True)
        (out / "rows.jsonl").write_text("{}")
        trained = load_plain(Path(model), torch.float32)
        engine = Engine(trained)
        if name == "other":
            trained.lm_head.register_forward_hook(lambda *given: -given[2])
        if name == "poisoned":
            trained.model.embed_tokens.weight.data[-1, -1] = float("inf")
            trained.lm_head.register_forward_hook(lambda *given: given[2].nan_to_num(posinf=0.0, neginf=0.0))
        if name == "large":
            trained.model.norm.weight.data.fill_(3e38)
        spec = _spec(model, str(out / "rows.jsonl"))
        steps = Steps(out, Rank(0, 1, "cpu", False), SET)
        steps.losses = [1.0]
        steps.counts = dict.fromkeys(("rows", "left_out", "tokens", "supervised_tokens", "steps", "loss_first", "loss_last"), 1.0)
        found[name] = (_said(export, engine, [row], spec, out, load_tokenizer(Path(model)), steps), (out / "model").exists())
    return found


def exports(model: str, folder: str) -> dict[str, str]:
    """What is said of each written model that is not the trained one."""
    source, work = Path(model), Path(folder)
    row = {"id": "a", "input_ids": [5, 6, 7, 8, 9, 10], "spans": [2, 6], "supervised": 4, "first_supervised": 2, "length": 6}
    probe = collate([row], "cpu")
    trained = load_plain(source, torch.float32)

    place, token = _surest_token(_logits(Engine(trained), probe))
    untied = changed(
        source, work / "untied", lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"].clone()}),
        tie_word_embeddings=False,
    )  # fmt: skip
    cases = {
        "sound": (changed(source, work / "sound", lambda w: None), token),
        "empty": (changed(source, work / "empty", lambda w: w.update({FIRST: torch.zeros(0)})), token),
        "changed": (changed(source, work / "changed", lambda w: w[FIRST][0].add_(1e-3)), token),
        "missing": (changed(source, work / "missing", lambda w: w.pop(FIRST)), token),
        "untied": (untied, token),
        "token": (source, (token + 1) % 100),
    }
    return {name: _said(_check, part, trained, probe, place, wanted) for name, (part, wanted) in cases.items()}


def models(model: str, folder: str) -> dict[str, str]:
    """What is said of each directory whose weights are not its model's."""
    source, work = Path(model), Path(folder)
    code = {"model_type": "mine", "auto_map": {"AutoConfig": "evil.Code", "AutoModelForCausalLM": "evil.Code"}}
    cases = {
        "missing": changed(source, work / "missing", lambda w: w.pop("model.layers.1.mlp.up_proj.weight")),
        "shape": changed(source, work / "shape", lambda w: None, hidden_size=128),
        "layers": changed(source, work / "layers", lambda w: None, num_hidden_layers=3),
        "code": changed(source, work / "code", lambda w: None, **code),
        "extra": changed(source, work / "extra", lambda w: w.update({"vision.weight": torch.zeros(3)})),
    }
    (work / "code" / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")
    found = {}
    for name, path in cases.items():
        told: list[str] = []
        found[name] = _said(load_model, path, Train(), told.append) or "; ".join(told)
    return found


def probes() -> dict[str, Any]:
    """What trying packed rows and chunks of logits finds in a plain model, one that caps its logits, and two that look across
    rows: by convolutions, and beside an attention that is like any other. And what the worker makes of it."""
    from transformers import Gemma2Config, Gemma2ForCausalLM, Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM

    _alone()
    small: dict[str, Any] = {
        "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "initializer_range": 0.5, "head_dim": 8, "tie_word_embeddings": False,
    }  # fmt: skip
    tried = {
        "llama": LlamaForCausalLM(LlamaConfig(**small)),
        "capped": Gemma2ForCausalLM(Gemma2Config(**small, final_logit_softcapping=3.0)),
        "leaking": Lfm2ForCausalLM(Lfm2Config(**small, layer_types=["conv", "full_attention"])),
        "shifting": LlamaForCausalLM(LlamaConfig(**small)),
    }
    tried["shifting"].model.layers[0].mlp.register_forward_pre_hook(lambda _, given: (given[0] + given[0].roll(1, 1),))
    rows = [
        {
            "id": str(n), "input_ids": [(7 * n + 3 * i) % 64 for i in range(9 + n)], "spans": [3, 9 + n], "supervised": 6 + n,
            "length": 9 + n, "subtask": "use",
        }
        for n in range(5)
    ]  # fmt: skip
    found = {}
    for name, model in tried.items():
        torch.manual_seed(0)
        module = Supervised(model.float())
        rank = Rank(0, 1, "cpu", False)
        packs, plain = may_pack(module, rows, rank, masked=True), logits_are_plain(module, rows, rank)
        whole = module(**collate(rows, "cpu"))
        module.chunk = 4
        chunked = bool(torch.allclose(whole, module(**collate(rows, "cpu")), atol=1e-6))
        one = may_pack(module, rows[:1], rank, masked=True)[0]
        module.chunk = 0
        made = {"packing": _prepare(module, rows, _spec(), rank), "chunks": module.chunk}
        found[name] = {"packs": packs, "plain": plain, "chunked": chunked, "one": one, "made": made}
    return found


def shared_beginnings() -> dict[str, Any]:
    """Rows that part in the prompt, in an answer, at the very end or not at all: computed once together, and each alone. The
    tokens that were computed, and how far losses and gradients are apart, of their largest."""
    from transformers import LlamaConfig, LlamaForCausalLM

    _alone()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.5,
    )  # fmt: skip
    module = Supervised(LlamaForCausalLM(config).float())
    one, other = list(range(20)), [*range(8), *range(40, 52)]
    written = [one, one[:14], [*one[:14], 33], other, other, [*other[:15], 9, 9], list(range(30, 45)), [*one[:3], 60, 61, 62]]
    rows = [
        {"id": str(n), "input_ids": ids, "spans": [2, 5, 6, len(ids)] if len(ids) > 6 else [2, len(ids)], "length": len(ids)}
        for n, ids in enumerate(written)
    ]
    (order,) = pack(range(len(rows)), [len(ids) for ids in written], room=1000, processes=1, ids=written)[0]
    rows = [rows[i] for i in order]
    assert may_pack(module, rows, Rank(0, 1, "cpu", False), masked=False)[0] == "by row"
    together = collate(rows, "cpu", packed=True, shared=True)
    found: dict[str, Any] = {"tokens": together["input_ids"].shape[1]}
    sides = []
    for passes in ([together], [collate([row], "cpu") for row in rows]):
        module.zero_grad()
        losses = [module(**batch) for batch in passes]
        torch.cat(losses).square().sum().backward()
        sides.append((torch.cat(losses).detach(), torch.cat([weight.grad.flatten() for weight in module.parameters()])))
    for name, here, there in zip(("losses", "gradients"), *sides, strict=True):
        found[name] = float((here - there).abs().max() / there.abs().max())
    return found


def made_again(model: str) -> dict[str, int]:
    """Values that a pass of the model keeps for its backward pass, as the worker prepares it for each setting."""
    found = {}
    for again in (False, "selective", True):
        config = SET.model_copy(update={"gradient_checkpointing": again})
        spec = _spec(model).model_copy(update={"config": config})
        module, kept = Supervised(prepared(spec, Rank(0, 1, "cpu", False)).train()), set[int]()

        def note(tensor: Tensor, kept: set[int] = kept) -> Tensor:
            kept.add(tensor.untyped_storage().data_ptr())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            module(**collate([{"id": "a", "input_ids": list(range(20)), "spans": [2, 20], "length": 20}], "cpu"))
        found[str(again)] = len(kept)
    return found


def less_memory() -> dict[str, Any]:
    """Losses and gradients of two passes with cheap activations made again and gradients added in place, and without: how far
    apart, of their largest, and the values kept for the backward pass. The output layer is the embedding, or is not; a word is
    padding, whose embedding learns nothing."""
    from transformers import LlamaConfig, LlamaForCausalLM

    found: dict[str, Any] = {}
    for name, tied in {"tied": True, "untied": False}.items():
        sides = []
        for less in (False, True):
            torch.manual_seed(0)
            config = LlamaConfig(
                vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, initializer_range=0.5, tie_word_embeddings=tied, pad_token_id=7,
            )  # fmt: skip
            model = LlamaForCausalLM(config).float().train()
            if less:
                keep(model, "selective", print)
                add_in_place(model)
            module, kept = Supervised(model), set[int]()

            def note(tensor: Tensor, kept: set[int] = kept) -> Tensor:
                kept.add(tensor.untyped_storage().data_ptr())
                return tensor

            losses = []
            for ids in (list(range(20)), [7, *range(40, 52), 7, 9]):
                row = {"id": "a", "input_ids": ids, "spans": [2, len(ids)], "length": len(ids)}
                with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                    losses.append(module(**collate([row], "cpu")))
                losses[-1].square().sum().backward()
            gradients = torch.cat([weight.grad.flatten() for weight in model.parameters()])
            sides.append((torch.cat(losses).detach(), gradients, len(kept)))
        (one, here, many), (other, there, few) = sides
        found[name] = [float((one - other).abs().max()), float((here - there).abs().max() / here.abs().max()), few < many / 2]
    return found


def lean_families() -> dict[str, Any]:
    """Losses and gradients with modules replaced by those that keep less and the loss in its logits' memory, and without: how far
    apart, of their largest; modules replaced, and bytes kept for the backward pass, with and without."""
    from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

    small: dict[str, Any] = {
        "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "initializer_range": 0.5, "head_dim": 8,
    }  # fmt: skip
    made = {
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**small)), "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**small)),
        "gelu": lambda: LlamaForCausalLM(LlamaConfig(**small, hidden_act="gelu")),
        "gemma2": lambda: Gemma2ForCausalLM(Gemma2Config(**small)),
    }  # fmt: skip
    row = {"id": "a", "input_ids": list(range(2, 30)), "spans": [2, 5, 6, 28], "length": 28}
    found: dict[str, Any] = {}
    for name, make in made.items():
        sides, replaced = [], 0
        for less in (False, True):
            torch.manual_seed(0)
            model, kept = make().float().train(), dict[int, int]()
            with torch.no_grad():
                for weight in model.parameters():  # norms begin with ones, where a fault of theirs would not be seen
                    weight.add_(torch.rand_like(weight), alpha=0.1)
            module = Supervised(model)
            if less:
                replaced, module.chunk = lean(model), 0 if name == "gemma2" else 64
            weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}

            def note(tensor: Tensor, kept: dict[int, int] = kept, weights: set[int] = weights) -> Tensor:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in weights:
                    kept[storage.data_ptr()] = storage.nbytes()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
                losses = module(**collate([row], "cpu"))
            losses.square().sum().backward()
            gradients = torch.cat([weight.grad.flatten() for weight in model.parameters()])
            sides.append((losses.detach(), gradients, sum(kept.values())))
        (one, here, many), (other, there, few) = sides
        found[name] = {
            "losses": float((one - other).abs().max()), "gradients": float((here - there).abs().max() / here.abs().max()),
            "replaced": replaced, "kept": few / many,
        }  # fmt: skip
    return found


def plain_loss(model: str, rows: str) -> dict[str, Any]:
    """transformers' own loss of each row alone, by subtask as (loss, tokens), and the norm of the gradient of their mean in
    which a token of `make` weighs three."""
    from datasets import load_from_disk
    from transformers import AutoModelForCausalLM

    trained = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    found: dict[str, list[tuple[float, int]]] = {}
    total, number = torch.zeros(()), 0.0
    for row in load_from_disk(rows):
        ids = torch.tensor([row["input_ids"]])
        labels = ids.clone()
        labels[:, : row["first_supervised"]] = -100
        loss, count = trained(input_ids=ids, labels=labels).loss, row["length"] - row["first_supervised"]
        found.setdefault(row["subtask"], []).append((loss.item(), count))
        weight = {"make": 3.0}.get(row["subtask"], 1.0)
        total, number = total + weight * loss * count, number + weight * count
    (total / number).backward()
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in trained.parameters() if weight.grad is not None])
    return {"losses": found, "norm": norm.item()}


def compared(trained: str, source: str) -> dict[str, bool]:
    """A written model beside the one it was trained from."""
    from transformers import AutoModelForCausalLM

    one, other = (AutoModelForCausalLM.from_pretrained(path) for path in (trained, source))
    return {
        "tied": one.lm_head.weight is one.model.embed_tokens.weight,
        "moved": not torch.equal(one.lm_head.weight, other.lm_head.weight),
        "same names": one.state_dict().keys() == other.state_dict().keys(),
    }


def greedy(model: str, *queries: str) -> dict[str, list[int]]:
    """The likeliest eight tokens after each query, as transformers by itself loads the directory."""
    from transformers import AutoModelForCausalLM

    from selfimprove.chat.render import load_tokenizer, prompt_ids
    from selfimprove.records import Message

    loaded, tokenizer = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32), load_tokenizer(Path(model))
    found = {}
    for query in queries:
        ids = prompt_ids(tokenizer, (Message(role="user", content=query),), ())
        made = loaded.generate(torch.tensor([ids]), max_new_tokens=8, do_sample=False)
        found[query] = made[0, len(ids) :].tolist()
    return found


def poisoned(model: str, path: str) -> str:
    """A model with one weight that is no number."""
    return str(changed(Path(model), Path(path), lambda w: w[FIRST][0, 0].fill_(float("nan"))))


def small_vocabulary(model: str, path: str) -> str:
    """A model that knows fewer words than its tokenizer."""
    name = "model.embed_tokens.weight"
    return str(changed(Path(model), Path(path), lambda w: w.update({name: w[name][:1000].clone()}), vocab_size=1000))


def wide(path: str) -> str:
    """A model whose forward pass takes much memory."""
    from tests.tiny_model import build

    return str(build(Path(path), wide=16384))


def _spec(model: str = "", rows: str = "") -> Spec:
    return Spec(model=model, model_digest="", rows=rows, rows_sha256="", config=SET, max_tokens=256, learning_rate=1.0, seed=7)


def _alone() -> None:
    """A process group of one."""
    os.environ.update(GLOO_SOCKET_IFNAME="lo")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())


def _said(action: Callable[..., Any], *arguments: Any) -> str:
    """The refusal; empty when there was none."""
    try:
        action(*arguments)
    except TrainError as error:
        return str(error)
    return ""
