"""Text without a call that answers nobody. Where not calling is right, prose is a right answer, but not any text is prose.

    says_nothing("\\\\boxed{accepted}", query) and says_nothing("Thought process:", query) and says_nothing("x7#{kq}|9z", query)
    not says_nothing("None of the tools can book a flight.", query)

What only speaks of its own verdict, what begins an answer and does not give it, the request itself, signs, and letters that are
no words. Scripts without the Latin alphabet are looked at for signs only. What this is not: a judge of how good an answer is.
"""

from __future__ import annotations

import re

from selfimprove.tools.words import plain

LONGEST = 400
"""Characters that are looked at, and of a text that can say nothing but a verdict."""
_VERDICTS = frozenset((  # noqa: SIM905
    "accept accepted correct right valid true pass passed yes verdict score reward boxed solution thought process thinking step "
    "solve nan \u89e3 \u304b\u3044\u305b\u3064 respuesta"
).split())  # fmt: skip
_AROUND = _VERDICTS | frozenset((  # noqa: SIM905
    "the final answer verified reasoning result status grade rating is this call was and are be reasons reason layer none "
    "null let s us by steps problem judgement judgment output response candidate verifier should all layers given"
).split())  # fmt: skip
_rating = re.compile(r"\W*(?:score|reward|rating)\W{1,3}[\d.]+\W*", re.IGNORECASE)
_tag = re.compile(r"</?\w+>")
_run = re.compile(r"[^\W\d_]+")
_formula = re.compile(r"\$[^$\n]{1,200}\$|\\\([^\n]{1,200}?\\\)|```.*?(?:```|\Z)|^\|.*\|$", re.DOTALL | re.MULTILINE)
"""What has signs of its own: mathematics, source code, a row of a table."""
_odd_sign = re.compile(r"[{}\[\]<>|\\~]|(?<=[a-z])[,;:()!\"]+(?=[a-z])", re.IGNORECASE)
"""Signs that prose hardly has, or has with a space behind."""
MOST_ODD = 0.08
MOST_SCRIPTS = 8
"""Blocks of Unicode that one text has letters of, Latin and Chinese left out."""
_no_word = re.compile(
    r"[b-df-hj-np-tv-xz]{5}|\b[b-df-hj-np-tv-xz]{4,}\b|q[^aeiouy\W]|j[bcfgqvwxz]|x[bdfgjkmnrvwz]|[bcdfghjkmpqstvwz]x|v[bfgqwx]"
    r"|[fgjkmpvwxz]q|[pqwx]j|f[zv]|gc|hx|kz|pv|w[vgjx]|y[yq]|m[xj]",
    re.IGNORECASE,
)
"""Letters that hardly follow one another in the languages that write with these letters."""
MOST_STRANGE = 0.5
"""Share of such words: of names and of what programs are called there may be some."""


def says_nothing(text: str, query: str) -> bool:
    """Whether a text that makes no call is none of an answer to `query`. An empty list of calls says what it means."""
    if "[]" not in text and not any(map(str.isalpha, text if len(text) > LONGEST else _tag.sub("", text))):
        return True
    if len(text) <= LONGEST and _is_verdict(text):
        return True
    near = len(text) < 2 * len(query) + 20 and len(query) < 2 * len(text) + 20
    # Who is greeted greets again.
    if near and (said := plain(text)).count(" ") > 1 and said == plain(query):
        return True
    return "[]" not in text and not text.startswith('{"') and _is_gibberish(text[:LONGEST])


def _is_verdict(text: str) -> bool:
    if any(map(str.isdigit, text)):
        return _rating.fullmatch(text) is not None
    words = _run.findall(text.casefold())
    return bool(words) and _AROUND.issuperset(words) and (text.endswith(":") or not _VERDICTS.isdisjoint(words))


def _is_gibberish(text: str) -> bool:
    text = _formula.sub(" ", text)
    odd = len(_odd_sign.findall(text))
    if odd > 3 and odd > MOST_ODD * len(text):
        return True
    if len({ord(c) >> 8 for c in text if "\u0300" <= c < "\u3000" and c.isalpha()}) > MOST_SCRIPTS:
        return True
    runs = [run for run in _run.findall(text) if len(run) > 2 and run.isascii() and not run.isupper()]
    return sum(bool(_no_word.search(run)) for run in runs) > max(2, MOST_STRANGE * len(runs))
