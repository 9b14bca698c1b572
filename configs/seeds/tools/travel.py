"""Flights, trains, hotels and cars with invented timetables (training part)."""

from datetime import date as Date
from typing import Annotated, Literal, NotRequired, TypedDict

from selfimprove.tools.derive import Param

DOMAIN, PART = "travel", "train"
City = Annotated[str, Param(examples=["Paris", "Tokyo", "Vienna", "Chicago", "Dublin", "Madrid", "Cairo"])]
Day = Annotated[str, Param(format="date", examples=["2025-08-09", "2025-12-20", "2026-02-11"])]
Nights = Annotated[int, Param(examples=[2, 3, 6])]


class Guests(TypedDict):
    """Who stays."""

    adults: int
    children: NotRequired[int]


Party = Annotated[Guests, Param(examples=[{"adults": 2}, {"adults": 2, "children": 1}, {"adults": 1, "children": 3}])]


def _number(*parts: str) -> int:
    if not all(part.strip() for part in parts):
        raise ValueError("places must not be empty")
    return sum(map(ord, "".join(parts)))


def search_flights(origin: City, destination: City, date: Day) -> list:
    """Find flights between two cities."""
    Date.fromisoformat(date)
    return [
        {"flight": f"SI{_number(origin, destination) % 900 + 100}", "price": _number(destination, origin) % 400 + 60}
    ]


def search_trains(origin: City, destination: City, date: Day) -> list:
    """Find trains between two cities."""
    Date.fromisoformat(date)
    return [{"train": _number(origin, destination) % 9000, "price": _number(origin) % 90 + 9}]


def get_flight_status(flight_number: Annotated[str, Param(examples=["LH441", "BA117", "UA90"])]) -> str:
    """Status of a flight."""
    return ["on time", "delayed", "boarding"][_number(flight_number) % 3]


def book_hotel(city: City, check_in: Day, nights: Nights) -> dict:
    """Book a hotel room."""
    if nights < 1:
        raise ValueError("nights must be at least 1")
    return {"city": city, "from": Date.fromisoformat(check_in).isoformat(), "nights": nights}


def find_vacation_home(city: City, guests: Party) -> list:
    """Find vacation homes for a group of guests."""
    beds = guests["adults"] + guests.get("children", 0)
    return [{"city": city, "beds": beds, "price": _number(city) % 150 + 40 * beds}]


def rent_car(city: City, days: Nights, size: Literal["small", "medium", "large"] = "medium") -> dict:
    """Rent a car in a city."""
    if days < 1:
        raise ValueError("days must be at least 1")
    return {"city": city, "price": {"small": 30, "medium": 45, "large": 70}[size] * days}


TOOLS = [search_flights, search_trains, get_flight_status, book_hotel, find_vacation_home, rent_car]
