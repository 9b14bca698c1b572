"""A lending library with an invented stock (held-out part)."""

from typing import Annotated, Literal

from selfimprove.tools.derive import Param

DOMAIN, PART = "library", "held_out"
Book = Annotated[str, Param(examples=["The Salt Road", "Quiet Engines", "A Field of Owls"])]
Author = Annotated[str, Param(examples=["Nora Pell", "Idris Okafor", "Jun Sakamoto"])]


def find_books_by_author(author: Author) -> list:
    """List the books of an author."""
    return [f"{author}: collected stories"]


def reserve_book(title: Book, branch: Literal["central", "north", "south"]) -> dict:
    """Reserve a book at a library branch."""
    return {"reserved": title, "branch": branch}


def renew_book(title: Book, weeks: Annotated[int, Param(examples=[1, 2, 4])]) -> dict:
    """Renew a borrowed book for some weeks."""
    if not 1 <= weeks <= 8:
        raise ValueError("weeks must be between 1 and 8")
    return {"renewed": title, "weeks": weeks}


def return_book(title: Book) -> dict:
    """Return a borrowed book."""
    return {"returned": title}


TOOLS = [find_books_by_author, reserve_book, renew_book, return_book]
