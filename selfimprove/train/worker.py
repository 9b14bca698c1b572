"""The program of one rank: reads the spec, trains with a DeepSpeed engine, and exports. Started by the launcher only.

    python -m deepspeed.launcher.launch ... --module selfimprove.train.worker OUT

What this is not: one optimizer step (`update`), the order of the rows (`schedule`), or what is told of it (`progress`).
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from selfimprove.chat.doctor import examine
from selfimprove.chat.render import load_tokenizer
from selfimprove.child import end_with_parent
from selfimprove.errors import DivergedError, SelfImproveError, TrainError
from selfimprove.records import derive_seed
from selfimprove.train import activations
from selfimprove.train import deepspeed_config as settings
from selfimprove.train.checkpoint import Checkpoints
from selfimprove.train.export import export
from selfimprove.train.lean import lean
from selfimprove.train.loss import CHUNK, Supervised
from selfimprove.train.model import load_model
from selfimprove.train.packing import pack, room
from selfimprove.train.probes import BY_ROW, MASKED, logits_are_plain, may_pack
from selfimprove.train.progress import Steps
from selfimprove.train.rank import Rank, join, tell
from selfimprove.train.rows import check_ids, load_rows, tokenise
from selfimprove.train.schedule import batches, learning_rate, micro_batches
from selfimprove.train.spec import DEEPSPEED, ERROR, LOG, Spec, write_json
from selfimprove.train.update import update
from selfimprove.train.watch import skip_unused


def main() -> int:
    end_with_parent()
    skip_unused()
    # The launcher ends the other ranks with SIGTERM when one died: those shall just end, so that it can report.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    out = Path(sys.argv[1])
    try:
        run(out)
    except DivergedError:
        return 1  # the first rank has written down what happened
    except Exception as error:
        traceback.print_exc()
        _tell(out, error)
        return 1
    return 0


def _tell(out: Path, error: Exception) -> None:
    """The first rank that failed says why, in a line. That another one is gone is no reason of its own: its death is the news."""
    if _lost(error):
        return
    said = str(error).strip() if isinstance(error, SelfImproveError) else f"{first_line(error)}; {out / LOG} tells where"
    with contextlib.suppress(OSError), (out / ERROR).open("x", encoding="utf-8") as file:
        file.write(said + "\n")


def _lost(error: Exception) -> bool:
    """Whether it only says that another rank is gone."""
    return isinstance(error, RuntimeError) and any(word in str(error) for word in ("gloo", "NCCL", "Connection"))


def first_line(error: Exception) -> str:
    """An error of a library: its kind, and the first thing that it says. Some begin with a heading."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[: 2 if lines and lines[0].endswith(":") else 1]
    return " ".join([f"{type(error).__name__}:", *said]) if said else type(error).__name__


def run(out: Path) -> None:
    spec = Spec.read(out)
    rank = join(spec)
    tokenizer = load_tokenizer(Path(spec.model))
    if rank.index == 0:
        examine(tokenizer)
        tokenise(tokenizer, Path(spec.rows), out, spec.max_tokens)
    torch.distributed.barrier()
    rows = load_rows(out)
    torch.manual_seed(spec.seed)
    model = prepared(spec, rank)
    check_ids(rows, model.get_input_embeddings().num_embeddings)
    engine = _engine(Supervised(model, selective="selective-logits" not in spec.without), spec, rank, out)
    steps = Steps(out, rank, spec.config)
    _train(engine, rows, spec, rank, steps, Checkpoints(out, spec, rank))
    steps.end()
    _free(engine)
    export(engine, rows, spec, out, tokenizer, steps)
    torch.distributed.destroy_process_group()


def prepared(spec: Spec, rank: Rank) -> Any:
    """The model as it is trained: what its passes keep is what the settings say."""
    model = load_model(Path(spec.model), spec.config, lambda text: tell(rank, text))
    activations.keep(model, spec.config.gradient_checkpointing, lambda text: tell(rank, text))
    if rank.device == "cpu" and settings.clips_itself(spec.config, bf16=rank.bf16):
        activations.add_in_place(model)
        lean(model)
    return model


def _engine(model: Supervised, spec: Spec, rank: Rank, out: Path) -> Any:
    import deepspeed

    config = settings.deepspeed_config(spec.config, learning_rate=spec.learning_rate, bf16=rank.bf16)
    if rank.index == 0:
        write_json(out / DEEPSPEED, config)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    asked = settings.Asked(config)
    try:
        engine, *_ = deepspeed.initialize(model=model, model_parameters=trained, config=asked, dist_init_required=False)
    except Exception as error:  # of pydantic, of torch's optimizers, of DeepSpeed's own
        if not spec.config.deepspeed or _lost(error):
            raise
        raise TrainError(f"DeepSpeed refuses these settings ({first_line(error)}): correct train.deepspeed") from error
    asked.refuse_unknown(spec.config.deepspeed)
    if rank.count == 1 and settings.clips_itself(spec.config, bf16=rank.bf16):
        # DeepSpeed sums the gradients of one process with nobody's: a copy of them all, there and back.
        engine.enable_backward_allreduce = False
    engine.train()
    return engine


def _free(engine: Any) -> None:
    """Gradients and moments: the written model is loaded again, and shall not need more memory than training did."""
    engine.module.zero_grad()
    getattr(engine.optimizer, "optimizer", engine.optimizer).state.clear()
    with contextlib.suppress(AttributeError):
        # glibc keeps what was freed for the next to come, and files that are mapped into memory do not come to it.
        ctypes.CDLL(None).malloc_trim(0)


def _train(
    engine: Any, rows: list[dict[str, Any]], spec: Spec, rank: Rank, told: Steps, checkpoints: Checkpoints
) -> None:
    config = spec.config
    # Rows that are all called as long as each other stay in the order of the draw: no buckets.
    lengths = [0 if "buckets" in spec.without else row["length"] for row in rows]
    plan = batches([row["id"] for row in rows], batch=config.batch, epochs=config.epochs, seed=spec.seed)
    packing = _prepare(engine.module, rows, spec, rank)
    layout = {"packed": bool(packing), "shared": packing == BY_ROW and "shared-beginnings" not in spec.without}
    ids = [row["input_ids"] for row in rows] if layout["shared"] else None
    first = checkpoints.restore(engine)
    told.begin(rows, plan, first)
    for number, batch in enumerate(plan[first:], first):
        began = time.monotonic()
        # Dropout, in a model that has it, draws what it would have drawn without a kill before this step.
        torch.manual_seed(derive_seed(spec.seed, "step", number, rank.index))
        rate = learning_rate(number, steps=len(plan), warmup=config.warmup, peak=spec.learning_rate)
        for group in engine.optimizer.param_groups:
            group["lr"] = rate
        turns = _turns(batch, lengths, ids, packing, spec, rank)
        chosen = [rows[i] for i in batch]
        done = update(engine, [[rows[i] for i in turn] for turn in turns], chosen, spec, rank, **layout)
        told.add(chosen, done, rate, time.monotonic() - began)
        if number + 1 < len(plan):
            checkpoints.after(engine, number + 1, len(plan))


def _turns(
    batch: list[int], lengths: list[int], ids: list[list[int]] | None, packing: str, spec: Spec, rank: Rank
) -> list[list[int]]:
    """The rows of each forward pass of this rank."""
    config = spec.config
    cores = torch.get_num_threads() if rank.device == "cpu" and config.packing else 0
    most = room(rows=settings.micro_batch(config), max_tokens=spec.max_tokens, masked=packing == MASKED, cores=cores)
    if packing:
        return pack(batch, lengths, room=most, processes=rank.count, ids=ids)[rank.index]
    turns = settings.accumulation(config)
    return micro_batches(batch, lengths, turns=turns, processes=rank.count, room=most)[rank.index]


def _prepare(module: Supervised, rows: list[dict[str, Any]], spec: Spec, rank: Rank) -> str:
    """How packed rows are kept apart, empty where rows are not packed; switches chunks of logits on where nothing comes after
    the output layer."""
    if module.selective and logits_are_plain(module, rows, rank):
        module.chunk = CHUNK
    elif module.selective and settings.micro_batch(spec.config) * spec.max_tokens > CHUNK:
        tell(rank, "the model works on its logits after its output layer: they are made in one piece, not in chunks")
    wanted = spec.config.packing
    if not wanted or {"packing", "buckets"} & set(spec.without):
        return ""
    # On a CPU attention with a mask costs more than padding does.
    how, found = may_pack(module, rows, rank, masked=wanted is True or rank.device != "cpu")
    if not how:
        tell(rank, f"rows are not packed, but share padded passes with others of their length: {found}")
    return how


if __name__ == "__main__":
    sys.exit(main())
