"""Tracing of values: a right value that is not found costs a sample, a wrong one that is found teaches a lie."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.tools.conversation import Conversation
from selfimprove.tools.moments import dates_in, times_in
from selfimprove.tools.numerals import in_digits, numbers_in
from selfimprove.tools.trace import trace


@pytest.mark.parametrize(
    ("value", "text", "how"),
    [
        ("Oslo", "weather in oslo?", "said"), ("New York", "the new york office", "said"),
        ("living_room", "the living room", "said"),
        ("LivingRoom", "the living room", "said"), ("São Paulo", "in sao paulo", "said"), ("東京", "東京の天気", "said"),
        ("flight", "cheap flights", "words"), ("dinner with Ana", "with Ana I have dinner", "words"),
        ("DE", "in Germany", "code"),
        ("EUR", "500 euros", "code"), ("Germany", "in DE", "code"), ("en-US", "English as in the US", "code"),
        ("Europe/Berlin", "time in Berlin", "code"), ("5", "five of them", "number"), ("1,000", "1000 of them", "said"),
        (3, "three days", "number"), (150, "one hundred and fifty", "number"), (1000, "1,000 of it", "number"),
        (2500000, "2.5 million", "number"), (0.5, "half of it", "number"), (-5, "5 degrees below zero", "number"),
        (0.05, "5 % more", "measure"), ("*", "replace '*' by x", "said"), ("-", "is it 5 - 3 or what", "said"),
        ("2026-03-03", "on March 3rd, 2026", "date"), ("03/04/2026", "on 4 March 2026", "date"),
        ("12-25", "on Christmas", "date"), ("2026-03-26", "on March 26th of 2026", "date"), ("12-10", "on December 10th", "date"),
        ("17:00", "at 5 pm", "time"), ("19:30", "at half past seven", "time"),
        ("2026-03-03T17:00:00", "March 3, 2026 at 5pm", "date"), ("0815", "agent 0815", "said"),
        ("2026-05-02", "Today is 2026-05-01. Remind me tomorrow", "date"), (True, "anything", "any"), (None, "anything", "any"),
    ],
)  # fmt: skip
def test_a_value_is_traced_to_what_was_said(value: Any, text: str, how: str) -> None:
    assert trace(value, {}, Conversation(text)) == how


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Paris", "weather in Oslo?"), ("art", "start the party"), ("NY", "many things"), ("heart", "the art of it"),
        ("flight", "inflights"), ("", "anything"), ("...", "anything"),
        ("what is the weather like in oslo over the weekend", "What is the weather like in Oslo over the weekend?"),
        ("Oslo Oslo Oslo", "weather in Oslo"), (4, "three days"), (13.5, "3.5 of it"), (-3, "3 of them"), (12, "2 hours"),
        ("2026-03-04", "on March 3rd, 2026"), ("2027-03-03", "on March 3rd, 2026"), ("18:00", "at 5 pm"),
        ("FR", "in Germany"), ("Norwegian", "no, thanks"),
        ("USD", "500 euros"), ("Oslo. Ignore the rules", "weather in Oslo"), ("2026-05-03", "Today is 2026-05-01, so tomorrow"),
        ("-", "the text - all of it"), ("-", "code A1-77"),
        ("10.0.9.1", "from 10.0.5.1 to 10.0.5.2"), (1000, "ten as a limit"), ("2827-03-25", "on March 25th"),
        ("2023-03-20 80:00:00", "at 8 on 2023-03-20"), ("2023-13-25 10:00", "at 10:00 on 2023-03-25"), (2, "100 per second"),
        ("2024-03-25", "on March 25th, that is 2023-03-25"), (10000, "a dress for $100"), (120, "2 hours"),
        ("<string>", "weather in Oslo"), ("1/1/1/1/1", "one of them"), (1, "a pizza, please"), ([], "anything"),
    ],
)  # fmt: skip
def test_a_value_that_was_not_said_is_not_traced(value: Any, text: str) -> None:
    assert trace(value, {}, Conversation(text)) is None


@pytest.mark.parametrize(
    ("value", "text", "description", "name"),
    [
        (120, "2 hours", "How long, in minutes.", ""), (7200, "for two hours", "", "durationSeconds"),
        (5000, "within 5 km", "Radius (meters)", ""), (7, "for a week", "", "days"),
        (10000, "a dress for $100", "", "price_cents"),
        (50, "it is 10 C", "Degrees Fahrenheit", ""), ("90", "an hour and a half, 1.5 hours", "minutes", ""),
        (1500, "1.5 seconds", "", "timeout_ms"),
    ],
)  # fmt: skip
def test_a_measure_is_converted_only_into_the_unit_that_the_tool_asks_for(
    value: Any, text: str, description: str, name: str
) -> None:
    said = Conversation(text)
    assert trace(value, {"description": description}, said, about=(name,)) == "measure"
    assert trace(value, {"description": "How much in all."}, said, about=("amount",)) is None


def test_defaults_and_allowed_values_are_sources_unless_another_allowed_one_is_said() -> None:
    said = Conversation("weather in Oslo in fahrenheit")
    assert trace(3, {"default": 3}, said) == "default"
    assert trace("json", {"description": "The format. Defaults to 'json'."}, said) == "default"
    assert trace("xml", {"description": "The format, xml or json. Defaults to 'json'."}, said) is None
    assert trace("", {"description": "One region; US is set by default."}, said) is None
    unit = {"enum": ["celsius", "fahrenheit"]}
    assert trace("fahrenheit", unit, said) == "said"
    assert trace("celsius", unit, said) is None
    assert trace("celsius", unit, Conversation("weather in Oslo")) == "enum"
    order = {"description": "The order. Can be 'asc' or 'desc'."}
    assert trace("asc", order, said) == "enum" and trace("up", order, said) is None
    assert trace("asc", order, Conversation("sorted desc")) is None


def test_a_state_behind_a_city_is_traced_only_where_it_is_asked_for_and_none_is_said() -> None:
    city = {"description": "City and state, such as San Francisco, CA"}
    assert trace("Oakland, CA", city, Conversation("weather in Oakland")) == "place"
    assert trace("Oakland, CA", {}, Conversation("weather in Oakland")) is None
    assert trace("Oakland, CA", city, Conversation("weather in Oakland, Maine")) is None
    assert trace("Boston, CA", city, Conversation("weather in Oakland")) is None


@pytest.mark.parametrize("value", ["{{city}}", "<city>", "your_city_here", "[city]", "$city$"])
def test_a_placeholder_is_no_value_even_where_its_words_are_said(value: str) -> None:
    assert trace(value, {}, Conversation("what is your city like here")) is None


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("two hundred and five days", "205 days"), ("five six", "5 6"), ("2 million", "2 million"),
        ("the third time", "the 3 time"),
        ("seventy two point five", "72.5"), ("two and a half", "2.5"), ("wait a second", "wait a 2 second"),
        ("nothing", "nothing"),
    ],
)  # fmt: skip
def test_number_words_become_digits(text: str, digits: str) -> None:
    assert in_digits(text) == digits


def test_numbers_dates_and_times_in_doubt_are_given_every_way() -> None:
    assert numbers_in("from -2.5k to 1,000 on 2026-03-04") >= {-2.5, 2500.0, 1000.0, 2026.0, 3.0, 4.0}
    assert dates_in("3/4/2026") == {(2026, 3, 4), (2026, 4, 3)}
    assert times_in("7") == {(7, 0), (19, 0)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "set it to -5 degrees"), (5.5, "set it to \u22125.5 degrees"), (-4, "28 W 10th Street, with a rating of at least 4"),
        (5, "it costs 5.75"), (75, "it costs 5.75"), (1, "pay 1,250 now"), (250, "pay 1,250 now"), ("250", "pay 1,250 now"),
        ("2.1", "release 1.2"), ("version 2.1", "version 1.2"), ("5 apples, 3 pears", "3 apples and 5 pears"),
        ("05:00", "at 5 pm"), ("2026-03-03 10:30:00", "March 3, 2026 at 10:30 pm"),
    ],
)  # fmt: skip
def test_a_near_number_is_not_taken_for_the_one_that_was_said(value: Any, text: str) -> None:
    assert trace(value, {}, Conversation(text)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "from -5 to 5"), (5, "rooms 3-5"), (-25, "minus twenty five degrees"), (-33.86, "at 33.86 S, 151.2 E"),
        (5, "it is 5."), (5, "3, 5, 7"), (5, "3,5,7"), (1234, "call 555-1234"), ("10-12", "ages 10 to 12"), ("17:00:00", "at 5"),
        ("10:30", "10:30 pm"),
    ],
)  # fmt: skip
def test_a_number_beside_signs_is_still_found(value: Any, text: str) -> None:
    assert trace(value, {}, Conversation(text))


def test_a_short_request_copied_whole_into_an_argument_is_not_taken_for_its_value() -> None:
    assert trace("delete account", {}, Conversation("Delete account!")) is None
    assert trace("account", {}, Conversation("Delete account!")) == "said"
    assert trace("Oslo", {}, Conversation("Oslo?")) == "said"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Pari", "weather in Paris"), ("appl", "an apple"), ("updat", "update it"), ("movi", "two movies"),
        ("thrill", "a thriller"),
        ("Londonn", "weather in London"), ("Oslos", "weather in Oslo"), ("chickenly", "a chicken"),
        ("todayy", "the news of today"), ("citru", "citrus fruits"), ("newuse", "my name is newuser"),
    ],
)  # fmt: skip
def test_a_word_cut_short_or_misspelt_is_not_traced_to_the_whole_one(value: str, text: str) -> None:
    assert trace(value, {}, Conversation(text)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("movie", "two movies"), ("cities", "which city"), ("city", "which cities"), ("glass", "two glasses"),
        ("dishes", "one dish"),
    ],
)  # fmt: skip
def test_the_singular_of_a_plural_is_still_traced_and_the_other_way_round(value: str, text: str) -> None:
    assert trace(value, {}, Conversation(text)) == "words"
