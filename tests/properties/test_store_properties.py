"""JSON Lines: what was appended comes back, wherever a kill cuts the file."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from selfimprove.records import Call
from selfimprove.store import jsonl
from tests.properties.values import ARGUMENTS, VALUES

ROWS = st.lists(VALUES, min_size=1, max_size=5)


@given(ROWS)
def test_rows_come_back_as_they_were(rows: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.jsonl"
        jsonl.append(file, rows[:1])
        jsonl.append(file, rows[1:])
        assert jsonl.read_growing(file) == rows
        assert [value for _, value in jsonl.read_numbered(file)] == rows
        jsonl.write(file, rows)
        assert [value for _, value in jsonl.read_numbered(file)] == rows


@given(st.lists(st.builds(Call, name=st.just("f"), arguments=ARGUMENTS), min_size=1, max_size=4))
def test_records_come_back_as_they_were(rows: list[Call]) -> None:
    with TemporaryDirectory() as folder:
        jsonl.write(Path(folder) / "a.jsonl", rows)
        assert jsonl.read(Path(folder) / "a.jsonl", Call) == rows


@given(ROWS, st.data())
def test_a_kill_at_any_byte_costs_the_torn_row_only(rows: list[Any], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.jsonl"
        jsonl.append(file, rows)
        whole = file.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        file.write_bytes(whole[:cut])
        kept = jsonl.read_growing(file)
        assert kept == rows[: whole[:cut].count(b"\n")]
        jsonl.append(file, rows)
        assert jsonl.read_growing(file) == kept + rows
