"""The one way out of reading a text that is no answer."""


class Broken(Exception):  # noqa: N818 - a reason, caught by the parser
    """The text is no answer; the argument is the reason code."""
