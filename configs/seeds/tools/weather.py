"""Weather lookups over invented, deterministic figures (training part)."""

from datetime import date as Date
from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "weather", "train"
SKIES = ["clear", "cloudy", "rain", "showers", "snow", "fog", "windy"]
City = Annotated[str, Param(examples=["Oslo", "Lima", "Nairobi", "Hanoi", "Porto", "Denver", "Kyoto", "Perth"])]
Day = Annotated[str, Param(format="date", examples=["2025-03-14", "2024-11-02", "2025-07-21", "2024-01-30"])]


def _figure(text: str, low: int, high: int) -> int:
    if not text.strip():
        raise ValueError("the city must not be empty")
    return low + sum(ord(letter) * place for place, letter in enumerate(text.lower(), 1)) % (high - low + 1)


def get_current_weather(city: City, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict:
    """Current weather in a city."""
    degrees = _figure(city, -5, 34)
    shown = degrees if unit == "celsius" else round(degrees * 9 / 5 + 32)
    return {"city": city, "temperature": shown, "unit": unit, "sky": SKIES[_figure(city, 0, 6)]}


def get_forecast(city: City, days: Annotated[int, Param(examples=[2, 3, 5, 7])]) -> list:
    """Weather forecast for the next days."""
    if not 1 <= days <= 14:
        raise ValueError("days must be between 1 and 14")
    return [{"day": day, "high": _figure(city * day, 0, 35)} for day in range(1, days + 1)]


def get_weather_history(city: City, date: Day) -> dict:
    """Weather in a city on a past date."""
    return {"date": Date.fromisoformat(date).isoformat(), "mean": _figure(city + date, -10, 30)}


def get_air_quality(city: City) -> dict:
    """Current air quality index of a city."""
    return {"city": city, "index": _figure(city, 12, 180)}


def get_sun_times(city: City, date: Day) -> dict:
    """Sunrise and sunset in a city on a date."""
    Date.fromisoformat(date)
    return {"sunrise": f"06:{_figure(city + date, 0, 59):02d}", "sunset": f"19:{_figure(date + city, 0, 59):02d}"}


TOOLS = [get_current_weather, get_forecast, get_weather_history, get_air_quality, get_sun_times]
