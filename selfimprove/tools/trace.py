"""Where a value of a call comes from: the conversation, a default, an enum, or a derivation that can be named.

    trace(7200, {"description": "In seconds."}, Conversation("Wake me in two hours"))  == "measure"
    trace("Rome", {}, Conversation("Weather in Oslo?")) is None                    # not traced: not wrong, not shown either

Kinds of trace, from sure to weak: said, number, date, time, words (all its words are said, in other forms or order), measure
(in the unit that the tool asks for), code (DE for Germany), place (the state behind a city, where one is asked for), default,
enum (allowed, and no other of the allowed values is said), any (true, false and null: wording decides them). What this is not:
a proof that the value is the right one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Any

from selfimprove.tools.canonical import is_default
from selfimprove.tools.codes import COMMON, codes_of, is_zone, named_regions, names_of, regions
from selfimprove.tools.conversation import Conversation, is_numeric
from selfimprove.tools.moments import Day, dates_in, rest_of, times_in
from selfimprove.tools.numerals import in_digits, numbers_in
from selfimprove.tools.said_numbers import is_below_zero, is_in_order, is_said
from selfimprove.tools.subschema import resolve
from selfimprove.tools.units import names_unit
from selfimprove.tools.words import folded, plain, tokens

_moment = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?|\d\d?[/.]\d\d?[/.]\d{4}|\d\d?:\d\d(?::\d\d)?")
_placeholder = re.compile(
    r"\s*(?:[<{\[(%$#_]{1,4}\s*[\w .-]{1,60}\s*[>}\])%$#_]{1,4}\s*$|\$[a-z_]\w*\s*$|(?:your|insert|enter)[_ ]|TODO\b|TBD\b)",
    re.IGNORECASE,
)
"""A place for a value, not a value: {{city}}, <string>, $ROOM, your_city_here. That its word is said does not make it one."""
_NO_PLACE = frozenset("abcdfghjklmnopqrsuvwxzABCDFGHJKLMNOPQRSUVWXZ0123456789")
"""First characters that no such place has."""
_letter = re.compile(r"[a-z]")
_one_piece = re.compile(r"[^\s@]*[a-z][\w-]*(?:[.@]|://)[^\s]*\w", re.IGNORECASE)
_joints = re.compile(r"[,_\-/]")
_chain = re.compile(r"\d[.:/-]\d+[.:/-]\d")
"""Addresses, versions, telephone numbers: said as a whole or not at all."""
_day_like = re.compile(r"\d[-/.]\d{1,2}[-/.]\d")
_time_like = re.compile(r"\d:\d\d")
_iso_day = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_since_midnight = re.compile(r"(?<![\d:])(0\d|\d\d(?=:\d\d:)):(\d\d)")
"""A time that says which half of the day is meant: with a leading zero, or with seconds."""
_month_day = re.compile(r"\d\d?-\d\d?")
_asks_for_region = re.compile(r"\b(?:state|country|region)\b|\b[A-Z][\w ]+, [A-Z]{2}\b|\b[A-Z]\w+, [A-Z]\w+\b")
_allowed_said = re.compile(
    r"\b(?:can be|one of|(?:possible|allowed|valid|supported|accepted) (?:values|options)|either|must be|options)\b([^.]{3,400})",
    re.IGNORECASE,
)
_punctuation = re.compile(r"[-\u2010-\u2015.,:;!?\u2026\u00b7\u2022|/\\*~'\"`\s]+")
_quoted = re.compile(r"[\"'`]([\w /+-]{1,40})[\"'`]")
LONGEST_VALUE = 20_000
_SHAPES = ("<font>", "<wide>", "<circle>", "<super>", "<sub>", "<square>", "<small>")
SMALL_WORDS = frozenset(
    "a an the of in on at to for and or is are with by from my your our their his her its it this that as be me i you we".split()  # noqa: SIM905
)
_default_said = re.compile(r"\bdefaults?(?:\s+(?:value|is|to|as))*\s*[:=]?\s*[\"'`]?([\w.+/-]+)", re.IGNORECASE)


def trace(
    value: Any, schema: Any, said: Conversation, root: dict[str, Any] | None = None, about: tuple[str, ...] = ()
) -> str | None:  # fmt: skip
    """The kind of trace, or None, of a value that is no list or object with content. `about`: what says more of the argument,
    its name and the tool's description."""
    if value is None or isinstance(value, bool):
        return "any"
    low = ""
    if isinstance(value, str):
        if value not in said.raw and _is_made_up(value, said):
            return None
        low = plain(value[:LONGEST_VALUE])
        if low and said.has(low) and (not low.isdecimal() or is_said(float(low[:300]), low, said)):
            # All that was said is no value of it: a model that understood nothing copies the request.
            whole = low.count(" ") > 0 and len(low) == len(said.plain) - 2
            return None if whole or (len(low) > 40 and len(low) > 0.8 * len(said.plain)) else "said"
    elif isinstance(value, int) and is_said(value, str(value), said):
        return "number"
    one = resolve(schema, root or {}) if schema else {}
    if _goes_without_saying(value, one, root or {}):
        return "default"
    if isinstance(value, str):
        return _text(value, low, one, said, about)
    if isinstance(value, int | float):
        return _number(float(value), value, one, said, about)
    return None


def _goes_without_saying(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if "default" in schema and is_default(value, schema, root):
        return True
    if "const" in schema and is_default(value, {**schema, "default": schema["const"]}, root):
        return True
    description = schema.get("description")
    if not isinstance(description, str) or "efault" not in description or isinstance(value, list | dict):
        return False
    # "US by default." names nothing behind the word.
    said = [d.casefold().rstrip(".") for d in _default_said.findall(description[:2000]) if d.strip(".")]
    return str(value).casefold() in said or (isinstance(value, int | float) and any(_is_number(d, value) for d in said))


def _is_number(text: str, value: float) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def _number(
    number: float, value: Any, schema: dict[str, Any], said: Conversation, about: tuple[str, ...]
) -> str | None:  # fmt: skip
    if is_said(number, str(value), said) or said.has_number(number):
        return "number"
    if number < 0 and said.has_number(-number) and is_below_zero(number, said):
        return "number"
    # What is said has no sign: of all measures only degrees become negative ones, none below -18.
    for other, names in said.conversions if number > -18 else ():
        if abs(number - other) <= 1e-6 * abs(other) and names_unit(names, schema.get("description"), *about):
            return "measure"
    return _enum(value, schema, said)


def _text(value: str, low: str, schema: dict[str, Any], said: Conversation, about: tuple[str, ...]) -> str | None:
    """A text, with its plain form."""
    if " " in low and _is_repeated(low.split(" ")):
        return None
    if not low:
        # Only signs: an operator may be said; "..." and nothing at all are said nowhere.
        return "said" if _is_sign_said(value.strip(), said) else _enum(value, schema, said)
    if (len(low) >= 5 or ord(low[0]) > 0x2E7F) and said.has_joined(low.replace(" ", "")):
        return "said"
    if is_numeric(low):
        if _is_moment(value):
            return _as_moment(value, said) or _enum(value, schema, said)
        if how := _as_moment(value, said) or _as_number(value, schema, said, about):
            return how
    words = None if _is_spliced(value, low, said) else _as_words(low, said)
    return words or _as_code(value, low, said) or _as_place(value, schema, said) or _enum(value, schema, said)


def _is_sign_said(signs: str, said: Conversation) -> bool:
    """A sign that stands by itself; dashes, stops and the like are punctuation but in quotes and between numbers."""
    if not signs:
        return False
    sign = re.escape(signs[:40])
    if _punctuation.fullmatch(signs):
        return bool(re.search(rf"([\"'`]){sign}\1|\d\s+{sign}\s+\d", said.raw))
    return bool(re.search(rf"(?<![^\s\"'`(]){sign}(?![^\s\"'`),.?!])", said.raw))


def _as_number(value: str, schema: dict[str, Any], said: Conversation, about: tuple[str, ...]) -> str | None:
    low = folded(value).strip()
    if len(low) > 40 or not any(c.isdigit() for c in in_digits(low)):
        return None
    digits = in_digits(low).strip(" $€£¥%+")
    if _is_code(low):
        return None
    try:
        return _number(float(digits.replace(",", "")), digits, {"description": schema.get("description")}, said, about)
    except ValueError:
        pass
    if _chain.search(digits):
        return None
    found = numbers_in(low)
    if _repeats(tokens(digits), tokens(said.digits)) or not is_in_order(digits, said):
        return None
    rest = [t for t in tokens(re.sub(r"[\d.,]+", " ", in_digits(low))) if t not in SMALL_WORDS]
    return "number" if found and found <= said.numbers and all(_known(w, said) for w in rest) else None


def _is_code(digits: str) -> bool:
    """Whether zeros stand before a number, which no day, month or hour has: 04711 is not the number 4711."""
    return len(digits) > 2 and digits[0] == "0" and digits.isdecimal()


def _is_spliced(value: str, low: str, said: Conversation) -> bool:
    """Whether an address or a file is made of words that stand apart: final.xlsx of budget.xlsx and final.pdf."""
    return " " in low and bool(_one_piece.fullmatch(value.strip())) and not said.has_joined(low.replace(" ", ""))


def _is_moment(value: str) -> bool:
    """Whether a text is a full date or a time and nothing else: its parts traced one by one would make another one."""
    return bool(_moment.fullmatch(value.strip()))


def _as_moment(value: str, said: Conversation) -> str | None:
    if iso := _iso_day.fullmatch(value):
        # As nearly all dates are written: none of the patterns below finds anything else in it.
        year, month, day = map(int, iso.groups())
        return "date" if 1 <= month <= 12 and 1 <= day <= 31 and _is_said_day((year, month, day), said) else None
    low = folded(value)
    if len(low) > 60:
        return None
    if (not low.isascii() or _letter.search(low)) and any(w not in said.words and not w.isdigit() for w in tokens(rest_of(low))):
        return None
    days = dates_in(low.replace("-", "/") if _month_day.fullmatch(low.strip()) else low)
    hours = times_in(low, bare=False)
    if (written := _since_midnight.findall(low)) and "m" not in low:
        hours &= {(int(hour), int(minute)) for hour, minute in written}
    if (not days and _day_like.search(low)) or (not hours and _time_like.search(low)):
        return None  # the 13th month, 80 o'clock
    if days and not any(_is_said_day(day, said) for day in days):
        return None
    if hours and not hours & said.times and not (days and hours <= {(0, 0), (23, 59)}):
        return None
    return "date" if days else "time" if hours else None


def _is_said_day(day: Day, said: Conversation) -> bool:
    """A day that was said without a year has none that could be shown."""
    if day in said.stated_dates:
        return True
    years = {year for year, *rest in said.dates if tuple(rest) == day[1:]}
    return bool(years) and (day[0] is None or day[0] in years)


def _as_words(low: str, said: Conversation) -> str | None:
    words = [w for w in low.split() if w not in SMALL_WORDS] or low.split()
    for word in words:
        if not _known(word, said):
            return None
    return None if _repeats(words, said.tokens) or not is_in_order(low, said) else "words"


def _is_repeated(words: list[str]) -> bool:
    """Whether a value is one thing said over and over; where the conversation says it so it has been found before."""
    n = len(words)
    if n < 2_000 and words.count(words[0]) < 2:
        return False
    return any(n % part == 0 and words == words[:part] * (n // part) for part in range(1, n // 2 + 1)) if n < 2_000 else True


def _is_made_up(value: str, said: Conversation) -> bool:
    """A place for a value, or letters in shapes (mathematical, full-width, encircled) that nobody said: no tool reads them as
    what they look like."""
    if value[:1] not in _NO_PLACE and _placeholder.match(value) and value.strip() not in said.raw:
        return True
    return not value.isascii() and any(c not in said.raw and unicodedata.decomposition(c).startswith(_SHAPES) for c in set(value))


def _repeats(words: list[str], said: list[str]) -> bool:
    """Whether a word is repeated more often than it is said: "Oslo Oslo Oslo" is not traced to one Oslo."""
    if len(words) == len(set(words)):
        return False
    there = Counter(said)
    return any(n > 1 and n > there[w] for w, n in Counter(words).items())


def _known(word: str, said: Conversation) -> bool:
    if word.isdecimal():
        number = float(word[:300])
        if _is_code(word) and not said.has(word):
            return False
        return said.has_number(number) or is_said(number, word, said)
    if said.has_word(word):
        return True
    return len(word) > 3 and said.has_form(word)


def _as_code(value: str, low: str, said: Conversation) -> str | None:
    if len(value) <= 10 and any(_is_named(name, said) for name in names_of(value.strip())):
        return "code"
    codes = codes_of(low)
    if codes and any(code.upper() in said.raw_words or (code in COMMON and said.has(code)) for code in codes):
        return "code"
    if is_zone(value):
        return "code" if said.has(" ".join(tokens(folded(value.split("/")[-1])))) else None
    parts = [p for p in _joints.split(value) if p.strip()] if _joints.search(value) else []
    if 1 < len(parts) <= 3:
        # "Lyon, FR", "en-US": each part said or a code of something said.
        return "code" if all(_part(p, said) for p in parts) else None
    return None


def _part(text: str, said: Conversation) -> bool:
    low = plain(text[:LONGEST_VALUE])
    return not low or said.has(low) or any(_is_named(name, said) for name in (*names_of(text.strip()), *codes_of(low)))


def _as_place(value: str, schema: dict[str, Any], said: Conversation) -> str | None:
    """ "Oakland, CA" for Oakland, where the description asks for a state or country behind the place, and none is said."""
    if value.count(",") != 1:
        return None
    parts = [part.strip() for part in value.split(",")]
    if not _asks_for_region.search(str(schema.get("description", ""))[:2000]) or not _part(parts[0], said):
        return None
    region = plain(parts[1][:LONGEST_VALUE])
    others = named_regions() & said.words
    return "place" if (region in regions() or codes_of(region) & regions()) and not others else None


def _is_named(name: str, said: Conversation) -> bool:
    return said.has(name) if name.isalnum() or " " in name else name in said.text


def _enum(value: Any, schema: dict[str, Any], said: Conversation) -> str | None:
    """An allowed value needs no word of its own, unless the conversation names another allowed one."""
    allowed = schema.get("enum") or _listed(schema.get("description"), value)
    if not isinstance(allowed, list) or len(allowed) > 200 or value not in allowed:
        return None
    others = [plain(v) for v in allowed if isinstance(v, str) and v != value]
    return None if any(len(o) > 1 and _as_words(o, said) for o in others) else "enum"


def _listed(description: Any, value: Any) -> list[str]:
    """The allowed values that a description quotes, if this is one of them: "Can be 'asc' or 'desc'"."""
    if not isinstance(description, str) or not isinstance(value, str) or value not in description:
        return []
    found = [v for part in _allowed_said.findall(description[:2000]) for v in _quoted.findall(part)]
    return found if len(found) > 1 else []
