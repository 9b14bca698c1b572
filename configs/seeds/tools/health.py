"""Body figures and a health diary that keeps nothing (training part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "health", "train"
Activity = Annotated[str, Param(examples=["running", "swimming", "cycling", "rowing"])]
Minutes = Annotated[int, Param(examples=[20, 35, 60])]
Foods = Annotated[list[str], Param(examples=[["oatmeal", "banana"], ["salad"], ["soup", "bread", "cheese"]])]


def calculate_bmi(
    weight_kg: Annotated[float, Param(examples=[58, 72.5, 90])],
    height_cm: Annotated[float, Param(examples=[162, 175, 188])],
) -> float:
    """Body mass index from weight and height."""
    if weight_kg <= 0 or height_cm <= 0:
        raise ValueError("weight and height must be above 0")
    return round(weight_kg / (height_cm / 100) ** 2, 1)


def log_workout(
    activity: Activity, minutes: Minutes, intensity: Literal["easy", "moderate", "hard"] = "moderate"
) -> dict:
    """Log a workout."""
    if minutes <= 0:
        raise ValueError("minutes must be above 0")
    return {"activity": activity, "minutes": minutes, "intensity": intensity}


def log_meal(meal: Literal["breakfast", "lunch", "dinner", "snack"], foods: Foods) -> dict:
    """Log the foods of a meal."""
    if not foods:
        raise ValueError("a meal needs at least one food")
    return {"meal": meal, "foods": len(foods)}


def log_sleep(hours: Annotated[float, Param(examples=[6.5, 7, 8])], restful: bool) -> dict:
    """Log hours of sleep and whether it was restful."""
    if not 0 < hours <= 24:
        raise ValueError("hours must be between 0 and 24")
    return {"hours": hours, "restful": restful}


def log_water(milliliters: Annotated[int, Param(examples=[250, 330, 500])]) -> int:
    """Log a drink of water."""
    if milliliters <= 0:
        raise ValueError("milliliters must be above 0")
    return milliliters


TOOLS = [calculate_bmi, log_workout, log_meal, log_sleep, log_water]
