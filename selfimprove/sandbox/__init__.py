"""Run tool calls behind walls: `run_calls`, its `Result`, and `missing_walls`. See `runner.py`.

Imported when first used: the child imports this package too, before it confines itself, and must start in milliseconds.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfimprove.sandbox.runner import Result, missing_walls, run_calls

__all__ = ["Result", "missing_walls", "run_calls"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from selfimprove.sandbox import runner

    return getattr(runner, name)
