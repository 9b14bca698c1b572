"""Places and routes with invented figures (held-out part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "maps", "held_out"
Place = Annotated[str, Param(examples=["Harbor Square", "Elm Street 14", "Union Station"])]


def _number(*parts: str) -> int:
    if not all(part.strip() for part in parts):
        raise ValueError("places must not be empty")
    return sum(map(ord, "".join(parts)))


def get_route(start: Place, end: Place, mode: Literal["walking", "cycling", "driving", "transit"]) -> dict:
    """Route between two places."""
    return {"minutes": _number(start, end) % 50 + 5, "mode": mode}


def get_distance(start: Place, end: Place) -> float:
    """Distance between two places in kilometers."""
    return _number(start, end) % 300 / 10


def find_nearby(place: Place, category: Annotated[str, Param(examples=["pharmacy", "cafe", "bank"])]) -> list:
    """Find places of a category near a location."""
    return [f"{category} {_number(place, category) % 20 + 1}"]


def get_traffic(road: Annotated[str, Param(examples=["A40", "Route 9", "M25"])]) -> str:
    """Current traffic on a road."""
    return ["light", "dense", "standing"][_number(road) % 3]


TOOLS = [get_route, get_distance, find_nearby, get_traffic]
