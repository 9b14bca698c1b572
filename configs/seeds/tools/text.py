"""Small jobs on a piece of text (training part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "text", "train"
Text = Annotated[str, Param(examples=["the early bird", "Green Tea House", "nine quick foxes", "Late Train Home"])]
Word = Annotated[str, Param(examples=["tea", "train", "bird", "house"])]


def _given(text: str) -> str:
    if not text.strip():
        raise ValueError("the text must not be empty")
    return text


def count_words(text: Text) -> int:
    """Count the words in a text."""
    return len(_given(text).split())


def count_letter(text: Text, letter: Annotated[str, Param(examples=["a", "e", "t"])]) -> int:
    """Count how often a letter occurs in a text."""
    if len(letter) != 1:
        raise ValueError("letter must be a single letter")
    return _given(text).lower().count(letter.lower())


def reverse_text(text: Text) -> str:
    """Reverse a text letter by letter."""
    return _given(text)[::-1]


def change_case(text: Text, case: Literal["upper", "lower", "title"]) -> str:
    """Change a text to another letter case."""
    return {"upper": str.upper, "lower": str.lower, "title": str.title}[case](_given(text))


def replace_word(text: Text, old: Word, new: Word) -> str:
    """Replace a word in a text by another."""
    return _given(text).replace(old, new)


def translate_word(word: Word, language: Annotated[str, Param(examples=["Spanish", "French", "Swahili"])]) -> dict:
    """Translate a single word into a language."""
    return {"word": _given(word), "language": language, "translation": f"<{word} in {language}>"}


TOOLS = [count_words, count_letter, reverse_text, change_case, replace_word, translate_word]
