"""Devices of a home, checked and echoed (training part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "smart_home", "train"
Room = Annotated[str, Param(examples=["kitchen", "bedroom", "garage", "living room"])]
Percent = Annotated[int, Param(examples=[20, 50, 75])]


def _percent(value: int) -> int:
    if not 0 <= value <= 100:
        raise ValueError("the value must be between 0 and 100")
    return value


def switch_light(room: Room, on: bool) -> dict:
    """Switch the light in a room on or off."""
    return {"room": room, "on": on}


def dim_light(room: Room, brightness: Percent) -> dict:
    """Set the brightness of a light in percent."""
    return {"room": room, "brightness": _percent(brightness)}


def set_thermostat(room: Room, temperature: Annotated[float, Param(examples=[18, 20.5, 22])]) -> dict:
    """Set the heating of a room in degrees."""
    if not 5 <= temperature <= 90:
        raise ValueError("the temperature is out of range")
    return {"room": room, "temperature": temperature}


def set_blinds(room: Room, position: Literal["open", "closed", "half"]) -> dict:
    """Set the window blinds of a room."""
    return {"room": room, "position": position}


def lock_door(door: Annotated[str, Param(examples=["front door", "back door", "garage door"])], locked: bool) -> dict:
    """Lock or unlock a door."""
    return {"door": door, "locked": locked}


TOOLS = [switch_light, dim_light, set_thermostat, set_blinds, lock_door]
