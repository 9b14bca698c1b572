"""A model as a directory: where it comes from, whether it can be used, and what identifies it.

    path = resolve_model("embedded", Path("runs/models"))
    check_model(path)
    model_digest(path)

What this is not: the weights in memory. Those live in worker children only, so importing this loads no model library.
"""

from selfimprove.models.check import check_adapter, check_model
from selfimprove.models.digest import model_digest
from selfimprove.models.resolve import resolve_model

__all__ = ["check_adapter", "check_model", "model_digest", "resolve_model"]
