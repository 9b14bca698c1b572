"""What a request names: texts in quotes, addresses and files, numbers, and names with capitals.

    mentions('Move song.mp3 to "Old Music" in 2 minutes, Ida.').quotes == ("old music",)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from selfimprove.tools.numerals import SCALES
from selfimprove.tools.words import plain

LONGEST = 300
"""Characters. In a longer request stands what it is about: a story, a document, a table. Not all of that is asked for."""
SHORT = 90
"""Characters up to which a single word with a capital counts as a name; in longer requests it is a kind of thing as often."""
_address = re.compile(
    r"[^\s\"'<>(),;]+@[\w-]+\.[\w.-]*\w|https?://[^\s\"'<>]+|\b\w[\w-]{2,}\.[a-z][a-z0-9]{1,4}\b(?!\.\w)"
)
_BEFORE_NAME = r"(?<![.!?:;,\"“'(] [A-Z])(?<= [A-Z])"
# One class of characters in front, so that everything else is passed over at once.
_mention = re.compile(
    r"[\"“«'$€£\dA-Z](?:"
    r"(?<=[\"“«])(?<!\w.)(?P<quote>[^\"“”«»\n]{2,120})[\"”»](?!\w)|(?<=')(?<!\w.)(?P<single>[^'\n]{2,80})'(?!\w)"
    r"|(?<=\d)(?<![\w.,:/#'’+-].)(?P<number>(?:(?:\d{0,2}(?:,\d{3})++|\d*+)(?:\.\d++)?+)(?![\w:/-]|[.,]\d|"
    rf" (?:{'|'.join(SCALES)})))"
    rf"|{_BEFORE_NAME}(?P<name>[\w'’&-]*(?: (?:(?:of|the|de|la) )?[A-Z][\w'’&-]*)*+)(?! \())"
)
_short = re.compile(r"[A-Z]{1,4}s?")
"""DVD, URLs, USD: kinds of things and units more often than things."""
_NO_NAMES = frozenset((  # noqa: SIM905
    "i i'm i'd i've i'll ok hi hey hello please thanks am pm id ids mr mrs ms dr api json url today tomorrow january february "
    "march april may june july august september october november december monday tuesday wednesday thursday friday saturday "
    "sunday jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun then also and or but the a an what how "
    "is are can could"
).split())  # fmt: skip


class Mentions(NamedTuple):
    """Texts are plain: folded words with one space between. Addresses have no spaces at all."""

    quotes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """All of them as they are said, each between two spaces."""


@lru_cache(maxsize=8)
def mentions(request: str) -> Mentions:
    """What is named, each once and in order; nothing of a request that is too long."""
    if len(request) > LONGEST:
        return Mentions()
    quotes, numbers, names, texts = [], [], [], []
    addresses = [plain(one) for one in _address.findall(request)] if "." in request[:-1] else []
    for found in _mention.finditer(_address.sub(" ", request) if addresses else request):
        kind, text = found.lastgroup, found[0]
        texts.append(f" {plain(text)} ")
        if kind == "number":
            numbers.append(float(text.replace(",", "")))
        elif kind == "name":
            names.append(plain(" ".join(w for w in text.split() if w.lower() not in _NO_NAMES and not _short.fullmatch(w))))
        else:
            quotes.append(plain(text))
    texts += [f" {one} " for one in addresses]
    addresses = [one.replace(" ", "") for one in addresses]
    if len(request) > SHORT:
        names = [name for name in names if " " in name]
    kinds = (quotes, addresses, numbers, names, texts)
    return Mentions(*(tuple(dict.fromkeys(one for one in kept if one)) for kept in kinds))  # type: ignore[arg-type]
