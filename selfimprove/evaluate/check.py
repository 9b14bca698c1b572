"""A suite's own right answers, scored as a model's would be: what scores as wrong here, no model can get right.

    check_gold(suite)                     # {"live_simple_106": "wrong-value:city"}, or DataError when nothing can be right
"""

from __future__ import annotations

from collections.abc import Mapping

from selfimprove.chat import write
from selfimprove.errors import DataError
from selfimprove.evaluate.score import golds, score
from selfimprove.records import Answer, Completion, SuiteItem
from selfimprove.tools.suite import Profile, Suite


def check_gold(suite: Suite, syntax: str = "hermes") -> dict[str, str]:
    """Item -> why its own right answer scores as wrong: nobody can be right there. Published suites have a few of these.

    Right answers are written as a model of that syntax would write them, read back and scored. Raises DataError for a
    category of which nothing could ever be right: its format is then not understood.
    """
    by_category: dict[str, dict[str, str]] = {}
    for item in suite.items:
        if item.truth == "general":
            continue
        # "": one of the ways to read the item's right answer scores as right.
        by_category.setdefault(item.category, {})[item.id] = min(_said(item, a, syntax, suite.profile) for a in golds(item))
    for category, reasons in by_category.items():
        if all(reasons.values()):
            raise DataError(
                f"suite {suite.name}: no item of {category} scores as right when its own right answer is given "
                f"({next(iter(reasons.values()))}): correct the items, nothing was measured"
            )
    return {name: reason for reasons in by_category.values() for name, reason in reasons.items() if reason}


def _said(item: SuiteItem, answer: Answer, syntax: str, profile: Profile) -> str:
    """Why a text that says this answer would be wrong."""
    text = write(answer, syntax) if answer.abstain != "no_call" else "I cannot do that."
    made = Completion(request=item.id, index=0, text=text, finish="stop", prompt_tokens=0)
    return score(item, made, profile).reason


def hopeless(suite: Suite, found: Mapping[str, str], most: int = 5) -> str:
    """What `check_gold` found, as a sentence."""
    names = ", ".join(f"{name} ({reason})" for name, reason in list(found.items())[:most])
    more = f" and {len(found) - most} more" if len(found) > most else ""
    which = "item scores" if len(found) == 1 else "items score"
    return f"suite {suite.name}: {len(found)} {which} as wrong when the own right answer is given: {names}{more}"
