"""Messages, emails, calls and contacts that go nowhere (held-out part)."""

from typing import Annotated, NotRequired, TypedDict

from selfimprove.tools.derive import Param

DOMAIN, PART = "messaging", "held_out"
Person = Annotated[str, Param(examples=["Priya", "Marcus", "Aunt Lena", "Jonas"])]
Body = Annotated[str, Param(examples=["running late", "see you at the gate", "thanks for dinner"])]
People = Annotated[list[str], Param(examples=[["Priya", "Jonas"], ["Marcus", "Ines", "Tariq"]])]


class Address(TypedDict):
    """Where somebody lives."""

    city: str
    street: NotRequired[str]


def _given(text: str) -> str:
    if not text.strip():
        raise ValueError("the text must not be empty")
    return text


def send_message(recipient: Person, text: Body) -> dict:
    """Send a text message."""
    return {"to": _given(recipient), "text": _given(text)}


def send_email(
    recipient: Person, subject: Annotated[str, Param(examples=["Invoice 12", "Trip plans"])], text: Body
) -> dict:
    """Send an email."""
    return {"to": _given(recipient), "subject": subject, "text": _given(text)}


def call_contact(name: Person, video: bool = False) -> dict:
    """Call a contact."""
    return {"calling": _given(name), "video": video}


def create_group_chat(name: Annotated[str, Param(examples=["Book Club", "Flat 12"])], members: People) -> dict:
    """Create a group chat with members."""
    if len(members) < 2:
        raise ValueError("a group needs at least two members")
    return {"group": name, "members": len(members)}


def save_contact_address(
    name: Person,
    address: Annotated[Address, Param(examples=[{"city": "Graz", "street": "Elm Street 14"}, {"city": "Turin"}])],
) -> dict:
    """Save the address of a contact."""
    return {"name": _given(name), "city": _given(address["city"])}


TOOLS = [send_message, send_email, call_contact, create_group_chat, save_contact_address]
