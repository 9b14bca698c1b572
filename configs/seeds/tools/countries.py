"""Facts about countries over a small table (held-out part)."""

from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "countries", "held_out"
FACTS = {
    "iceland": ("Reykjavik", 0.4, "+354"),
    "ghana": ("Accra", 33.0, "+233"),
    "uruguay": ("Montevideo", 3.4, "+598"),
    "mongolia": ("Ulaanbaatar", 3.4, "+976"),
    "slovenia": ("Ljubljana", 2.1, "+386"),
    "laos": ("Vientiane", 7.6, "+856"),
    "bolivia": ("Sucre", 12.2, "+591"),
    "estonia": ("Tallinn", 1.4, "+372"),
    "jordan": ("Amman", 11.3, "+962"),
    "fiji": ("Suva", 0.9, "+679"),
}
Country = Annotated[str, Param(examples=["Iceland", "Ghana", "Uruguay", "Mongolia", "Slovenia"])]


def _fact(country: str, place: int) -> object:
    if country.lower() not in FACTS:
        raise ValueError(f"nothing is known about {country}")
    return FACTS[country.lower()][place]


def get_capital(country: Country) -> object:
    """Capital of a country."""
    return _fact(country, 0)


def get_population(country: Country) -> object:
    """Population of a country in millions."""
    return _fact(country, 1)


def get_calling_code(country: Country) -> object:
    """International calling code of a country."""
    return _fact(country, 2)


TOOLS = [get_capital, get_population, get_calling_code]
