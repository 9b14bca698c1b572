"""JSON Lines: nothing made is lost by a kill, and what is wrong in a user's file is named with its line."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from selfimprove.errors import DataError, StoreError
from selfimprove.records import Call
from selfimprove.store import jsonl

ROOT = Path(__file__).resolve().parents[2]


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        jsonl.read(path, Call)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [Call(name="f", arguments={"t": "Zoë\u2028 line"}), Call(name="g")]
    jsonl.append(tmp_path / "deep" / "a.jsonl", rows[:1])
    jsonl.append(tmp_path / "deep" / "a.jsonl", rows[1:])
    assert jsonl.read(tmp_path / "deep" / "a.jsonl", Call) == rows


def test_a_line_torn_by_a_kill_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    for torn in ('{"name": "b", "arg', '{"name": "b"}', "\\ud8", '{"a": 1}x\n'):
        file.write_text('{"name": "a"}\n' + torn, encoding="utf-8")
        assert jsonl.read_growing(file) == [{"name": "a"}]
        jsonl.append(file, [{"name": "c"}])
        assert jsonl.read_growing(file) == [{"name": "a"}, {"name": "c"}]


def test_half_a_character_at_the_end_is_torn_too(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"name": "a"}\n{"name": "\xc3')
    assert jsonl.read_growing(file) == [{"name": "a"}]


def test_a_file_not_yet_begun_has_no_rows(tmp_path: Path) -> None:
    assert jsonl.read_growing(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "a"}\n\n{"name": }\n', "line 3: is not valid JSON"),
        ('{"name": "a"}\n{"nam": "b"}\n', "line 2: name: is missing"),
        ('{"name": "a"}\n[]\n', "line 2: the row: must be a JSON object"),
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("[" * 100_000, "line 1: is not valid JSON"),
        ('{"name": "a", "arguments": {"x": NaN}}\n', "line 1: "),
        ('{"name": "a", "arguments": {"x": 1e999}}\n', "line 1: "),
        ('{"name": "a", "arguments": {"x": "\\ud800"}}\n', "line 1: "),
    ],
)
def test_a_wrong_row_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(text, encoding="utf-8")
    assert said in refused(file)


def test_another_encoding_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"name": "a"}\n{"name": "caf\xe9"}\n')
    assert "line 2: is not UTF-8" in refused(file)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.jsonl")
    assert "cannot be read" in refused(tmp_path)


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    jsonl.write(file, [{"a": 1}])
    jsonl.write(file, [{"b": 2}])
    assert file.read_text() == '{"b": 2}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        jsonl.append(tmp_path / "file" / "a.jsonl", [{"a": 1}])
    with pytest.raises(StoreError, match="cannot be written"):
        jsonl.write_text(tmp_path / "file" / "a.json", "x")


FULL = """
import signal, sys
from pathlib import Path
from selfimprove.errors import StoreError
from selfimprove.store import jsonl
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = Path(sys.argv[1])
try:
    for number in range(1000):
        jsonl.append(file, [{"number": number, "text": "x" * 500}])
except StoreError as error:
    print(error)
try:
    jsonl.write(file.with_name("whole.jsonl"), [{"text": "x" * 20000}])
except StoreError as error:
    print(error)
"""


def test_a_disk_that_fills_up_costs_no_row_that_was_there(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: the write fails half-way in the same manner."""
    file = tmp_path / "a.jsonl"
    (tmp_path / "whole.jsonl").write_text('{"old": 1}\n')

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(file)], preexec_fn=limit, capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be written") == 2
    rows = jsonl.read_growing(file)
    assert [row["number"] for row in rows] == list(range(len(rows))) and len(rows) == 18
    assert (tmp_path / "whole.jsonl").read_text() == '{"old": 1}\n'
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl", "whole.jsonl"]


def test_a_full_device_says_that_nothing_is_lost() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(StoreError, match="the disk is full; free some space and start the same command again"):
        jsonl.append(Path("/dev/full"), [{"a": 1}])
