"""What a forward pass keeps for its backward pass, and where the embedding's gradient goes. Runs in the worker.

    keep(model, "selective")             # `train.gradient_checkpointing`, with `auto` replaced (`estimate`)
    add_in_place(model)

Selective: matrix products and attention are kept, and what lies between them (norms, gates, rotations, repeated keys) is made
again in the backward pass. That is more than half of what is kept, and a few percent of the time (Korthikanti et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts

PRODUCTS = (
    "mm", "addmm", "bmm", "baddbmm", "_grouped_mm", "convolution", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention",
)  # fmt: skip
"""Operators of torch.ops.aten that cost too much to be made again."""
KEPT = frozenset(getattr(torch.ops.aten, name).default for name in PRODUCTS if hasattr(torch.ops.aten, name))


def keep(model: Any, how: bool | str, say: Callable[[str], None]) -> None:
    """`how`: True, only what goes into each layer; False, everything; "selective"."""
    if not how:
        return
    if how == "selective" and not model.supports_gradient_checkpointing:
        say("the model has no gradient checkpointing: all activations are kept, which takes more memory")
        return
    more = {"context_fn": partial(create_selective_checkpoint_contexts, _policy)} if how == "selective" else {}
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False, **more})


def _policy(_: Any, operator: Any, *args: Any, **more: Any) -> CheckpointPolicy:
    # Random numbers are kept as well: where attention draws some and is not made again, those after it would differ.
    seeded = torch.Tag.nondeterministic_seeded in operator.tags and not operator._schema.is_mutable
    return CheckpointPolicy.MUST_SAVE if seeded or operator in KEPT else CheckpointPolicy.PREFER_RECOMPUTE


def add_in_place(model: Any) -> None:
    """Gradients of the embedding and of the output layer are added to what their weights have. Otherwise autograd makes one as
    large as the weight for each of them in every pass and, where both are one weight, holds the first until the second is there.

    For float32 weights that no ZeRO stage divides: a gradient is then complete only when the backward pass ends.
    """
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    if isinstance(embedding, nn.Embedding) and embedding.weight.requires_grad:
        embedding.sparse = True
        embedding.register_forward_hook(_embedded)
    if type(head) is nn.Linear and head.bias is None and head.weight.requires_grad:
        head.forward = lambda hidden: _Product.apply(hidden, head.weight)  # type: ignore[method-assign]


def _embedded(embedding: nn.Module, _: Any, output: Tensor) -> Tensor:
    """The same values, whose gradient goes on to the rows of the weight by hand."""
    if not output.requires_grad:
        return output
    weight, found = embedding.weight, output.detach().requires_grad_()

    def add(gradient: Tensor) -> None:
        (rows,) = torch.autograd.grad(output, weight, gradient)
        gradient_of(weight).add_(rows)

    found.register_hook(add)
    return found


class _Product(torch.autograd.Function):
    """hidden (..., width) -> (..., words), as torch's linear layer."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(hidden)
        ctx.weight = weight
        return nn.functional.linear(hidden, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (hidden,) = ctx.saved_tensors
        gradient_of(ctx.weight).addmm_(gradient.flatten(0, -2).T, hidden.flatten(0, -2))
        return gradient @ ctx.weight.detach(), None


def gradient_of(weight: Tensor) -> Tensor:
    """What a weight has of it so far, to be added to."""
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)
    return weight.grad
