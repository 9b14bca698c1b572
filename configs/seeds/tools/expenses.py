"""An expense book that keeps nothing (held-out part)."""

from typing import Annotated, TypedDict

from selfimprove.tools.derive import Param

DOMAIN, PART = "expenses", "held_out"
Month = Annotated[str, Param("YYYY-MM", examples=["2027-02", "2026-11"])]


class Entry(TypedDict):
    """One expense."""

    item: str
    amount: float


Entries = Annotated[
    list[Entry], Param(examples=[[{"item": "parking", "amount": 8}], [{"item": "stamps", "amount": 3.2}]])
]


def log_expenses(entries: Entries) -> float:
    """Log expenses and give their total."""
    if not entries or min(entry["amount"] for entry in entries) <= 0:
        raise ValueError("each expense needs an amount above 0")
    return round(sum(entry["amount"] for entry in entries), 2)


def get_expense_report(month: Month) -> dict:
    """Report of all expenses in a month."""
    year, number = month.split("-")
    if not 1 <= int(number) <= 12:
        raise ValueError("the month must be between 1 and 12")
    return {"month": month, "total": int(year) % 100 * int(number) + 0.5}


def delete_expense(item: Annotated[str, Param(examples=["parking", "stamps"])]) -> dict:
    """Delete an expense by its item."""
    return {"deleted": item}


TOOLS = [log_expenses, get_expense_report, delete_expense]
