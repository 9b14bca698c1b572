"""Files of rows: every line gets its verdict, in order, and nothing in a file ends the run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfimprove.errors import DataError, StoreError
from selfimprove.verify import stream
from selfimprove.verify.layers import LAYERS, RULES
from selfimprove.verify.stream import chosen_layers, render, verify_file

ROOT = Path(__file__).resolve().parents[2]
TOOL = {"name": "weather", "description": "Weather.", "parameters": {"type": "object",
"properties": {"city": {"type": "string"}}}}


def row(id_: Any, city: str = "Oslo") -> dict[str, Any]:
    candidate = json.dumps({"name": "weather", "arguments": {"city": city}})
    return {"id": id_, "tools": [TOOL], "query": "Weather in Oslo?", "candidate": candidate}


def selfimprove(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def verdicts(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_line_gets_its_verdict_in_order_and_bad_ones_their_line(tmp_path: Path) -> None:
    lines = [json.dumps(row(1)).encode(), b"{nonsense", b"", b"\xff\xfe", json.dumps([1]).encode(), b"[" * 100_000,
    b'{"id": "x"}',
             json.dumps(row("é\ud800", "Rome")).encode()]  # fmt: skip
    source, out = tmp_path / "rows.jsonl", tmp_path / "made" / "out.jsonl"
    source.write_bytes(b"\n".join(lines))
    summary = verify_file(source, out, layers=RULES)
    found = verdicts(out)
    assert [(v["id"], v["verdict"], v.get("line")) for v in found] == [
        (1, "accepted", None), (None, "unknown", 2), (None, "unknown", 4), (None, "unknown", 5), (None, "unknown", 6),
        ("x", "unknown", 7), ("é\ud800", "unknown", None),
    ]  # fmt: skip
    assert all(v["reasons"] == ["bad-row"] and v["message"] for v in found[1:6])
    assert summary.verdicts == {"accepted": 1, "unknown": 6} and "bad-row" in render(summary)


def test_a_line_that_is_too_long_is_a_bad_row_and_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 1000)
    source, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(row(1)) + "\n" + "x" * 5000 + "\n" + json.dumps(row(2)) + "\n", encoding="utf-8")
    verify_file(source, out, layers=RULES)
    assert [(v["id"], v.get("line")) for v in verdicts(out)] == [(1, None), (None, 2), (2, None)]


def test_a_file_may_be_replaced_by_its_own_verdicts_and_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\ufeff" + json.dumps(row(7)) + "\r\n", encoding="utf-8")
    verify_file(file, file, layers=RULES)
    assert verdicts(file)[0]["verdict"] == "accepted"


def test_a_run_that_fails_leaves_the_old_verdicts(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("old\n", encoding="utf-8")
    with pytest.raises(DataError, match="no such file"):
        verify_file(tmp_path / "none.jsonl", out, layers=RULES)
    with pytest.raises(DataError, match="cannot be read"):
        verify_file(tmp_path, out, layers=RULES)
    assert out.read_text(encoding="utf-8") == "old\n"
    (tmp_path / "rows.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        verify_file(tmp_path / "rows.jsonl", out / "below", layers=RULES)


def test_layers_run_cheap_to_dear_however_they_are_named() -> None:
    assert chosen_layers(" grounding, structure") == ("structure", "grounding")
    assert chosen_layers(",".join(LAYERS)) == tuple(LAYERS)
    for text, word in (("structure,magic", "magic"), (" , ", "names no layer")):
        with pytest.raises(DataError, match=word):
            chosen_layers(text)


def test_the_command_judges_a_file_and_runs_tools_of_a_pool(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("def weather(city):\n    return {'Oslo': 3}[city]\n\nTOOLS = [weather]\n")
    (tmp_path / "pool.jsonl").write_text(json.dumps({**TOOL, "module": "tool.py"}) + "\n", encoding="utf-8")
    rows = [row(1), row(2, "Rome"), {**row(3), "tools": [{**TOOL, "output": {"type": "string"}}]}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    given = ["verify", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "out.jsonl")]
    done = selfimprove(*given, "--report", "--pool", str(tmp_path / "pool.jsonl"), "--layers", "structure,execution")
    assert done.returncode == 0 and "execution" in done.stdout, done.stderr
    assert [v["reasons"] for v in verdicts(tmp_path / "out.jsonl")] == [[], ["call-failed:weather"], ["wrong-output:weather"]]


@pytest.mark.parametrize(
    ("option", "word"),
    [
        (("--profile", "lax"), "profiles are"), (("--layers", "x"), "layers are"), (("--layers", "judge"), "is asked in a round"),
        (("--layers", "structure,execution"), "--pool FILE"),
    ],
)  # fmt: skip
def test_the_command_refuses_what_it_does_not_know_in_one_sentence(tmp_path: Path, option: tuple[str, str], word: str) -> None:
    (tmp_path / "rows.jsonl").write_text("", encoding="utf-8")
    done = selfimprove("verify", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "out"), *option)
    assert done.returncode == 2 and word in done.stderr and len(done.stderr.splitlines()) == 1
