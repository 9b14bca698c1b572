"""A calendar that keeps nothing: calls are checked and echoed (training part)."""

from datetime import date as Date
from datetime import time as Time
from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "calendar", "train"
Title = Annotated[str, Param(examples=["dentist", "team lunch", "piano lesson", "budget review"])]
Day = Annotated[str, Param(format="date", examples=["2025-09-12", "2025-10-03", "2026-01-20"])]
Clock = Annotated[str, Param("HH:MM", examples=["09:30", "14:00", "18:15"])]
People = Annotated[list[str], Param(examples=[["Ana", "Ravi"], ["Mei"], ["Tom", "Zoe", "Omar"]])]


def create_event(title: Title, date: Day, time: Clock, attendees: People | None = None) -> dict:
    """Add an event to the calendar."""
    Date.fromisoformat(date)
    return {"title": title, "at": f"{date}T{Time.fromisoformat(time):%H:%M}", "attendees": attendees or []}


def cancel_event(title: Title, date: Day) -> dict:
    """Cancel an event in the calendar."""
    return {"cancelled": title, "date": Date.fromisoformat(date).isoformat()}


def move_event(title: Title, new_date: Day) -> dict:
    """Move an event to another date."""
    return {"moved": title, "date": Date.fromisoformat(new_date).isoformat()}


def list_events(date: Day) -> list:
    """List the events on a date."""
    day = Date.fromisoformat(date).day
    return [{"title": "stand-up", "time": "09:15"}] * (day % 3)


def find_free_slot(date: Day, minutes: Annotated[int, Param(examples=[30, 45, 90])]) -> str:
    """Find a free slot of some minutes on a date."""
    if not 0 < minutes <= 480:
        raise ValueError("minutes must be between 1 and 480")
    return f"{8 + Date.fromisoformat(date).day % 9:02d}:00"


TOOLS = [create_event, cancel_event, move_event, list_events, find_free_slot]
