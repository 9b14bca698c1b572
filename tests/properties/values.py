"""Strategies that several property tests share: JSON values as tools take them, and JSON texts as models write them."""

from __future__ import annotations

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["</tool_call>", "<tool_call>", "\\", '"', "\u2028", "\x00", "\u200b", "{", "a\nb"]
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ARGUMENTS = st.dictionaries(TEXT, VALUES, max_size=4)

_atoms = st.sampled_from(["1", "-0.0", "1e400", "NaN", "-Infinity", '"\\ud800"', '"a"', "null", "true", "1" * 500, "{}", "[]"])
JSON_TEXT = st.recursive(
    _atoms,
    lambda inner: st.lists(inner, max_size=3).map(lambda xs: f"[{','.join(xs)}]")
    | st.tuples(st.sampled_from(["name", "arguments", "parameters", "$ref", "type", "\\udc00"]), inner).map(
        lambda pair: f'{{"name": "f", "description": "Does it.", "{pair[0]}": {pair[1]}}}'
    ),
    max_leaves=8,
)
