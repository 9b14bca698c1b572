"""Recipes and kitchen questions over small tables (training part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "cooking", "train"
MINUTES = {"bake": 45, "boil": 12, "fry": 8, "steam": 15}
SWAPS = {"butter": "olive oil", "milk": "oat milk", "egg": "mashed banana", "sugar": "honey"}
Foods = Annotated[list[str], Param(examples=[["rice", "tofu"], ["chicken", "lemon"], ["beans", "corn", "lime"]])]
Food = Annotated[str, Param(examples=["potatoes", "salmon", "broccoli", "eggs"])]
Dish = Annotated[str, Param(examples=["lasagna", "pancakes", "chili", "paella"])]


def find_recipes(ingredients: Foods) -> list:
    """Find recipes that use the given ingredients."""
    if not ingredients:
        raise ValueError("at least one ingredient is needed")
    return [f"{ingredients[0]} bowl", f"{ingredients[-1]} soup"]


def get_recipe(dish: Dish, servings: Annotated[int, Param(examples=[2, 4, 6])]) -> dict:
    """Recipe of a dish for a number of servings."""
    if servings < 1:
        raise ValueError("servings must be at least 1")
    return {"dish": dish, "servings": servings, "steps": ["chop", "cook", "serve"]}


def get_cooking_time(food: Food, method: Literal["bake", "boil", "fry", "steam"]) -> int:
    """Minutes to cook a food with a method."""
    return MINUTES[method] + len(food) % 5


def substitute_ingredient(ingredient: Annotated[str, Param(examples=["butter", "milk", "egg", "cream"])]) -> str:
    """Find a substitute for an ingredient."""
    return SWAPS.get(ingredient.lower(), "apple sauce")


def get_calories(food: Food, grams: Annotated[int, Param(examples=[100, 150, 250])]) -> int:
    """Calories in some grams of a food."""
    if grams <= 0:
        raise ValueError("grams must be above 0")
    return grams * (40 + sum(map(ord, food)) % 300) // 100


TOOLS = [find_recipes, get_recipe, get_cooking_time, substitute_ingredient, get_calories]
