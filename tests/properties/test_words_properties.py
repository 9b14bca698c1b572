"""What finds words quickly must find the same words: a value that is not found costs a sample, a wrong one teaches a lie."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from selfimprove.tools.conversation import Conversation
from selfimprove.tools.numerals import SPELLED, in_digits, numbers_in
from selfimprove.tools.words import folded, plain, stem, tokens

PIECES = st.sampled_from(
    ["flights", "flight", "flying", "Oslo", "second", "two", "half", "3rd", "-5", "1,000.5",
     "2.5k", "１２", "②", "é", "ß", "_", "x_2",
     "\x1f", "東京", "\u0663", ".", " .5", "\n", "'s", "5kg", "minus", "point", "and a", "twenty five"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=12).flatmap(lambda p: st.sampled_from(["", " "]).map(lambda s: s.join(p)))


@given(TEXTS)
def test_words_are_runs_of_letters_and_digits_in_every_script(text: str) -> None:
    assert tokens(text) == re.findall(r"[^\W_]+", text)
    assert plain(text) == " ".join(re.findall(r"[^\W_]+", folded(text)))


@given(TEXTS, TEXTS)
def test_a_word_is_found_in_other_forms_exactly_where_its_stem_is(text: str, words: str) -> None:
    said = Conversation(text)
    for word in plain(words).split():
        assert said.has_stem(word) == (stem(word) in {stem(w) for w in said.words})


@given(TEXTS)
def test_a_text_without_digits_and_number_words_says_no_number(text: str) -> None:
    said = Conversation(text)
    assert said.digits == in_digits(said.text) and said.numbers == numbers_in(said.text)
    if not said.has_numbers:
        assert not said.numbers and SPELLED.isdisjoint(said.tokens)
