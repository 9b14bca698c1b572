"""Arithmetic on calendar dates (training part)."""

from datetime import date as Date
from datetime import timedelta
from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "dates", "train"
Day = Annotated[str, Param(format="date", examples=["2025-01-15", "2024-06-30", "2023-12-24", "2026-05-01"])]
Count = Annotated[int, Param(examples=[10, 30, 45, 100])]


def days_between(start: Day, end: Day) -> int:
    """Number of days from one date to another."""
    return (Date.fromisoformat(end) - Date.fromisoformat(start)).days


def add_days(date: Day, days: Count) -> str:
    """Date a number of days after another."""
    return (Date.fromisoformat(date) + timedelta(days=days)).isoformat()


def subtract_days(date: Day, days: Count) -> str:
    """Date a number of days before another."""
    return (Date.fromisoformat(date) - timedelta(days=days)).isoformat()


def get_weekday(date: Day) -> str:
    """Day of the week of a date."""
    return Date.fromisoformat(date).strftime("%A")


def get_week_number(date: Day) -> int:
    """ISO week number of a date."""
    return Date.fromisoformat(date).isocalendar()[1]


TOOLS = [days_between, add_days, subtract_days, get_weekday, get_week_number]
