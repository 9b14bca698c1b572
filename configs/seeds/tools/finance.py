"""Money: currencies, loans, savings, bills and budgets (training part)."""

from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "finance", "train"
# Invented round rates: how much of the currency one US dollar buys.
RATES = {"USD": 1.0, "EUR": 0.9, "GBP": 0.8, "JPY": 150.0, "CHF": 0.88, "CAD": 1.35, "SEK": 10.5, "INR": 83.0}
Currency = Annotated[str, Param(examples=["USD", "EUR", "GBP", "JPY", "CHF", "CAD", "SEK", "INR"])]
Amount = Annotated[float, Param(examples=[50, 120, 249.99, 1800, 25000])]
Rate = Annotated[float, Param("Percent a year", examples=[2.5, 4, 6.75])]
Years = Annotated[int, Param(examples=[5, 10, 20])]


def _rate(base: str, quote: str) -> float:
    for code in (base, quote):
        if code.upper() not in RATES:
            raise ValueError(f"no rate for the currency {code}")
    return RATES[quote.upper()] / RATES[base.upper()]


def _positive(**values: float) -> None:
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} must be above 0")


def convert_currency(amount: Amount, from_currency: Currency, to_currency: Currency) -> float:
    """Convert an amount of money to another currency."""
    return round(amount * _rate(from_currency, to_currency), 2)


def get_exchange_rate(base: Currency, quote: Currency) -> float:
    """Exchange rate between two currencies."""
    return round(_rate(base, quote), 4)


def calculate_loan_payment(principal: Amount, annual_rate: Rate, years: Years) -> float:
    """Monthly payment of a loan."""
    _positive(principal=principal, annual_rate=annual_rate, years=years)
    monthly = annual_rate / 1200
    return round(principal * monthly / (1 - (1 + monthly) ** (-12 * years)), 2)


def calculate_savings(deposit: Amount, annual_rate: Rate, years: Years) -> float:
    """Value of a deposit with compound interest."""
    _positive(deposit=deposit, years=years)
    return round(deposit * (1 + annual_rate / 100) ** years, 2)


def split_bill(
    total: Amount,
    people: Annotated[int, Param(examples=[2, 3, 5])],
    tip_percent: Annotated[float, Param(examples=[10, 15])] = 0,
) -> float:
    """Split a bill evenly, tip included."""
    _positive(total=total, people=people)
    return round(total * (1 + tip_percent / 100) / people, 2)


def set_budget(
    category: Annotated[str, Param(examples=["groceries", "dining", "fuel"])],
    limit: Annotated[float | None, Param("Null for no limit", examples=[300, 150, None])],
) -> dict:
    """Set the monthly spending limit of a category."""
    if limit is not None:
        _positive(limit=limit)
    return {"category": category, "limit": limit}


TOOLS = [convert_currency, get_exchange_rate, calculate_loan_payment, calculate_savings, split_bill, set_budget]
