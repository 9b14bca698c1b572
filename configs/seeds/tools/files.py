"""File commands that touch no disk (held-out part)."""

from typing import Annotated

from selfimprove.tools.derive import Param

DOMAIN, PART = "files", "held_out"
Name = Annotated[str, Param(examples=["report.pdf", "notes.txt", "budget.xlsx"])]
Folder = Annotated[str, Param(examples=["Archive", "Taxes", "Holiday Photos"])]
Extensions = Annotated[list[str], Param(examples=[["pdf"], ["jpg", "png"]])]


def _name(text: str) -> str:
    if not text.strip() or ".." in text:
        raise ValueError(f"{text!r} is not a file name")
    return text


def rename_file(file: Name, new_name: Name) -> dict:
    """Rename a file."""
    return {"renamed": _name(file), "to": _name(new_name)}


def move_file(file: Name, folder: Folder) -> dict:
    """Move a file into a folder."""
    return {"moved": _name(file), "to": _name(folder)}


def copy_file(file: Name, folder: Folder) -> dict:
    """Copy a file into a folder."""
    return {"copied": _name(file), "to": _name(folder)}


def delete_file(file: Name, permanently: bool = False) -> dict:
    """Delete a file."""
    return {"deleted": _name(file), "permanently": permanently}


def search_files(folder: Folder, extensions: Extensions) -> list:
    """List files in a folder by extension."""
    return [f"{_name(folder)}/item.{extension}" for extension in extensions]


TOOLS = [rename_file, move_file, copy_file, delete_file, search_files]
