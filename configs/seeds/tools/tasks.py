"""A to-do list, timers and alarms that keep nothing (held-out part)."""

from datetime import date as Date
from datetime import time as Time
from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "tasks", "held_out"
Task = Annotated[str, Param(examples=["water the ferns", "file taxes", "call the bank"])]


def add_task(task: Task, priority: Literal["low", "normal", "high"] = "normal") -> dict:
    """Add a task to the to-do list."""
    return {"task": task, "priority": priority}


def complete_task(task: Task) -> dict:
    """Mark a task as done."""
    return {"done": task}


def set_deadline(
    task: Task, due: Annotated[str | None, Param("Null for none", format="date", examples=["2027-04-18", None])]
) -> dict:
    """Set or clear the deadline of a task."""
    return {"task": task, "due": Date.fromisoformat(due).isoformat() if due else None}


def set_timer(minutes: Annotated[int, Param(examples=[6, 11, 25])]) -> dict:
    """Start a timer."""
    if minutes <= 0:
        raise ValueError("minutes must be above 0")
    return {"minutes": minutes}


def set_alarm(time: Annotated[str, Param("HH:MM", examples=["06:45", "21:10"])]) -> str:
    """Set an alarm."""
    return f"{Time.fromisoformat(time):%H:%M}"


TOOLS = [add_task, complete_task, set_deadline, set_timer, set_alarm]
