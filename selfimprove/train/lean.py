"""Norms and gated layers that keep what goes into them, and make the rest again in their backward pass. Runs in the worker.

    lean(model)                          # float32, no ZeRO stage: see `activations.add_in_place`

RMS norms (Zhang and Sennrich 2019) and layers gated by SiLU (Shazeer 2020) are written alike in most families, and autograd keeps
some twenty values a unit of width between them, half of which are made again by a product or two. A module is only replaced
where it has their parts and gives, on numbers drawn at random, the values and gradients of its own code: the others, as norms
that add 1 to their weight, stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from selfimprove.train.activations import gradient_of

CLOSE = 1e-5
"""How far values and gradients may lie from those of the module's own code, as a share of the largest."""
SAMPLES = 4


def lean(model: nn.Module) -> int:
    """How many modules were replaced."""
    found = 0
    for module in model.modules():
        own = _norm(module) or _gated(module)
        if own and _alike(module, *own):
            module.forward = own[0]  # type: ignore[method-assign]
            found += 1
    return found


def _norm(module: nn.Module) -> tuple[Any, int] | None:
    """(its new forward, the width of its input); None: it is no such module."""
    epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    parts = dict(module.named_parameters())
    if parts.keys() != {"weight"} or parts["weight"].dim() != 1 or not isinstance(epsilon, float):
        return None
    weight = parts["weight"]
    return lambda hidden: _Norm.apply(hidden, weight, epsilon), len(weight)


def _gated(module: nn.Module) -> tuple[Any, int] | None:
    parts = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    # A matrix of LoRA beside a layer is none of these: it keeps the layer's input anyway.
    linear = [part for part in parts if isinstance(part, nn.Linear) and type(part) is nn.Linear]
    plain = [part for part in linear if part.bias is None and part.weight.requires_grad]
    if len(plain) < len(parts):
        return None
    gate, up, down = plain
    return lambda hidden: _Gated.apply(gate(hidden), up(hidden), down.weight), gate.in_features


def _alike(module: nn.Module, forward: Any, width: int) -> bool:
    hidden = torch.randn(SAMPLES, width, generator=torch.Generator().manual_seed(0))
    try:
        pairs = list(zip(_tried(module, module.forward, hidden), _tried(module, forward, hidden), strict=True))
    except Exception:  # whatever a module wants that only looks like one of these
        return False
    return all((one - other).abs().max() <= CLOSE * one.abs().max() for one, other in pairs)


def _tried(module: nn.Module, forward: Any, hidden: Tensor) -> list[Tensor]:
    """Its output, and the gradients of its input and weights."""
    hidden = hidden.clone().requires_grad_()
    output = forward(hidden)
    output.backward(hidden.detach().flip(0) if output.shape == hidden.shape else torch.ones_like(output))
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    found = [output.detach(), *(one.grad for one in (hidden, *weights) if one.grad is not None)]
    for weight in weights:
        weight.grad = None
    return found


class _Norm(torch.autograd.Function):
    """hidden (..., width) over its root mean square, times weight (width,)."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        scale = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True).square_().div_(hidden.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(hidden, weight, scale)
        return (hidden * scale).mul_(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        hidden, weight, scale = ctx.saved_tensors
        normed = hidden * scale
        own = (gradient * normed).flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        found = gradient * weight
        mean = (found * normed).mean(-1, keepdim=True)
        return found.sub_(normed.mul_(mean)).mul_(scale), own, None


class _Gated(torch.autograd.Function):
    """silu(gate) * up (..., inner) through a linear layer without bias, whose weight (width, inner) gets its gradient added."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.weight = weight
        return nn.functional.linear(nn.functional.silu(gate).mul_(up), weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        gate, up = ctx.saved_tensors
        opened = nn.functional.silu(gate)
        product = opened * up
        gradient_of(ctx.weight).addmm_(gradient.flatten(0, -2).T, product.flatten(0, -2))
        inner = torch.mm(gradient.flatten(0, -2), ctx.weight.detach(), out=product.flatten(0, -2)).view_as(product)
        ups = opened.mul_(inner)
        return torch.ops.aten.silu_backward(inner.mul_(up), gate), ups, None
