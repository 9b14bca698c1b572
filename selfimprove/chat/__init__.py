"""A model's own language: the template, the call syntax, the parser and the stop tokens that belong together.

`families` binds them in one row, `parse` reads text, `render` (imported only in workers) makes token ids.
"""

from selfimprove.chat.families import FAMILIES, Family, family_of, install
from selfimprove.chat.parse import PARSER_VERSION, Parsed, parse
from selfimprove.chat.write import SYNTAXES, write

__all__ = ["FAMILIES", "PARSER_VERSION", "SYNTAXES", "Family", "Parsed", "family_of", "install", "parse", "write"]
