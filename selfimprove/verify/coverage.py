"""Coverage: what a single request names is used by the calls. One that leaves out a number, a quoted text, a file or a name may
answer a part of it, or something else; who finds no tool where the request speaks of one may have overlooked it: that is unknown,
never a veto.

What the tools themselves speak of need not be said to them. Numbers are compared only where all values are the request's own:
seven in the evening is 19:00, and which number that came from is not looked for.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterable, Iterator
from typing import Any

from selfimprove.records import Call
from selfimprove.tools.codes import codes_of
from selfimprove.tools.conversation import Conversation
from selfimprove.tools.mentions import mentions
from selfimprove.verify.case import Case, Finding, Offered
from selfimprove.verify.grounding import words_of

_WHOLE = re.compile(r"(?:\b|_)(?:id|keywords?|query|q|question|search|prompt)$|(?:Id|ID|Query)$")
"""Arguments that stand for the whole: who has the number of an order needs no other word of it, and keywords are a summary."""
MOST_VALUES = 500
"""Values in one answer. Whoever asks for more of them has named them in another way."""


def coverage(case: Case) -> Finding | None:
    if not case.request or not case.answer:
        return None
    calls = case.answer.calls
    if case.answer.abstain == "no_tool":
        spoken_of = {t.name for t in case.tools.values() if not words_of(t).isdisjoint(case.said.words)}
        return ("unknown", tuple(sorted(f"unused-tool:{name}"[:80] for name in spoken_of))) if spoken_of else None
    named = mentions(case.request)
    if not calls or not any(named):
        return None
    if len(calls) == 1 and any(_WHOLE.search(name) for name in calls[0].arguments):
        return None
    values = list(_values(calls))
    if len(values) > MOST_VALUES:
        return None
    used = Conversation("\n".join(values))
    if all(text in used.plain for text in named.texts):
        return None
    unused = [text for text in named.quotes if used.words.isdisjoint(text.split())]
    unused += [text for text in named.addresses if text not in used.joined]
    unused += [text for text in named.names if not _is_named(text, used)]
    numbers = [f"{number:.15g}" for number in named.numbers if not used.has_number(number)]
    if numbers and used.numbers <= case.said.numbers:
        unused += numbers
    if unused:
        spoken = _spoken_by(case.tools)
        unused = [text for text in unused if not spoken.words.issuperset(text.split()) and text not in spoken.joined]
    return ("unknown", tuple(sorted(f"unused:{text}"[:80] for text in unused))) if unused else None


def _values(calls: Iterable[Call]) -> Iterator[str]:
    """Every text and number in the arguments, and the names inside them."""
    waiting: list[Any] = [value for call in calls for value in call.arguments.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        else:
            yield str(value)


def _is_named(name: str, used: Conversation) -> bool:
    """Whether a part of the name is used, or a code of it."""
    return not used.words.isdisjoint((*name.split(), *codes_of(name))) or name.replace(" ", "") in used.joined


def _spoken_by(tools: Offered) -> Conversation:
    """What the tools speak of. Several answers to one request follow one another, each with tools of its own that are equal."""
    definitions = [[name, *tools.schema(name)] for name in tools]
    try:
        key = marshal.dumps(definitions, 2)
    except ValueError:
        return Conversation(_written(tools))
    found = _spoken.get(key)
    if found is None:
        found = Conversation(_written(tools))
        if len(key) <= LONGEST_KEPT:
            if len(_spoken) >= MOST_KEPT:
                _spoken.clear()
            _spoken[key] = found
    return found


def _written(tools: Offered) -> str:
    return json.dumps([[t.name, t.description, t.parameters] for t in tools.values()])


_spoken: dict[bytes, Conversation] = {}
MOST_KEPT = 8
LONGEST_KEPT = 100_000
"""Lists of tools that are kept, and bytes of one."""
