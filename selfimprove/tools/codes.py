"""Standard codes and the names behind them: countries, languages, currencies, US states, time zones (ISO, by pycountry).

    names_of("DE")    == {"germany", ...}
    codes_of("euros") == {"eur"}
"""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

from selfimprove.tools.words import folded, tokens

_ALSO = {
    "us": "usa america american united states u s dollars", "gb": "uk england britain british",
    "uk": "united kingdom england britain", "ru": "russia russian", "kr": "korea korean", "cn": "china chinese",
    "tw": "taiwan", "ir": "iran", "vn": "vietnam", "cz": "czechia", "ae": "uae emirates", "de": "german germany",
    "fr": "french", "es": "spanish", "it": "italian", "jp": "japanese", "pt": "portuguese", "nl": "holland dutch",
    "zh": "chinese mandarin", "el": "greek", "usd": "dollars dollar bucks $", "eur": "euros euro €",
    "gbp": "pounds pound sterling £", "jpy": "yen ¥", "cny": "yuan renminbi rmb", "inr": "rupees rupee", "krw": "won",
    "cad": "canadian", "aud": "australian", "chf": "francs franc swiss", "mxn": "pesos peso mexican",
    "rub": "rubles ruble roubles", "brl": "real reais", "btc": "bitcoin bitcoins", "eth": "ethereum ether",
    "nyc": "new york", "la": "los angeles", "sf": "san francisco", "en": "english", "dc": "washington district columbia",
    "celsius": "c", "fahrenheit": "f", "metric": "celsius", "imperial": "fahrenheit", "m": "male man",
    "f": "female woman fahrenheit", "c": "celsius centigrade", "asc": "ascending", "desc": "descending",
}  # fmt: skip


EVERYDAY = frozenset({
    "in", "me", "or", "hi", "ok", "oh", "as", "at", "am", "be", "by", "do", "id", "is", "it", "my", "no", "so", "to", "us", "al",
    "de", "la", "pa", "ma", "co", "mr", "ms", "md", "va", "sd",
})  # fmt: skip
"""Codes that are words of a request more often than places."""


COMMON = frozenset(code for code in _ALSO if len(code) == 3 and code not in ("asc", "won"))
"""Codes that people write in small letters too."""


@lru_cache(maxsize=1)
def _table() -> dict[str, set[str]]:
    """Code -> folded names."""
    import pycountry  # 30 ms, needed only once a value looks like a code

    found: dict[str, set[str]] = {}

    def add(code: str, name: str) -> None:
        plain = " ".join(tokens(folded(name.split(",")[0].split("(")[0])))
        found.setdefault(code.casefold(), set()).add(plain)

    for country in pycountry.countries:
        for code in (country.alpha_2, country.alpha_3):
            add(code, country.name)
            add(code, getattr(country, "common_name", country.name))
    for language in pycountry.languages:
        if hasattr(language, "alpha_2"):
            add(language.alpha_2, language.name)
            add(language.alpha_3, language.name)
    for currency in pycountry.currencies:
        add(currency.alpha_3, currency.name)
    for state in pycountry.subdivisions.get(country_code="US") or ():
        add(state.code[3:], state.name)
    for code, names in _ALSO.items():
        found.setdefault(code, set()).update(names.split(), [names])
    return found


@lru_cache(maxsize=1)
def _inverse() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for code, names in _table().items():
        for name in names:
            found.setdefault(name, set()).add(code)
    return found


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(name.casefold() for name in zoneinfo.available_timezones())


def names_of(code: str) -> set[str]:
    return _table().get(code.casefold(), set()) if len(code) <= 10 else set()


def codes_of(name: str) -> set[str]:
    return _inverse().get(name, set()) if len(name) <= 60 else set()


@lru_cache(maxsize=1)
def regions() -> frozenset[str]:
    """Folded codes of countries and US states, and the names of both that are one word."""
    import pycountry

    places = [*pycountry.countries, *(pycountry.subdivisions.get(country_code="US") or ())]
    found = {folded(p.name) for p in places if p.name.isalpha()} | {"uk", "usa"}
    found |= {(p.alpha_2 if hasattr(p, "alpha_2") else p.code[3:]).casefold() for p in places}
    return frozenset(found)


@lru_cache(maxsize=1)
def named_regions() -> frozenset[str]:
    """Those that are no words of everyday."""
    return regions() - EVERYDAY


def is_zone(name: str) -> bool:
    """Whether a text is a time zone of the tz database: Europe/Berlin."""
    return "/" in name and len(name) < 40 and name.casefold() in _zones()
