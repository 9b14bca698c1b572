"""Training rows as token ids, without a model: a stand-in for the tokenizer has one token a word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from selfimprove.errors import TrainError
from selfimprove.train.rows import check_ids, count_left_out, load_rows, read_rows, tokenise


class Words:
    """What `chat.render` needs of a tokenizer."""

    all_special_tokens = ("<|im_end|>",)
    unk_token_id = 0
    eos_token_id = 2

    def __init__(self) -> None:
        self.known = {"<unk>": 0, "<|im_end|>": 1, "<eos>": 2}

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> str:
        return " ".join(f"{turn['role']}: {turn['content']}" for turn in turns) + " assistant:"

    def convert_tokens_to_ids(self, text: str) -> int:
        return self.known.get(text, 0)

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        words = re.findall(r"\s*\S+", text)
        return {"input_ids": [0 if "unheard" in w else self.known.setdefault(w, len(self.known)) for w in words]}

    def decode(self, ids: list[int], **_: Any) -> str:
        names = {number: word for word, number in self.known.items()}
        return "".join(names[number] for number in ids)


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(name: str, query: str = "hello there", target: str = "[] done") -> dict[str, Any]:
    return {"id": name, "subtask": "use", "messages": [{"role": "user", "content": query}], "target": target}


def talk(name: str, *turns: str) -> dict[str, Any]:
    """A conversation of `role=content`, whose assistant's turns are trained."""
    messages = [dict(zip(("role", "content"), turn.split("="), strict=False)) for turn in turns]
    return {"id": name, "subtask": "use", "messages": messages, "target": ""}


def test_the_answer_and_the_end_of_turn_are_supervised(tmp_path: Path) -> None:
    words = Words()
    tokenise(words, write(tmp_path / "rows.jsonl", row("a")), tmp_path, max_tokens=20)
    (found,) = load_rows(tmp_path)
    names = {number: word for word, number in words.known.items()}
    said = [names[token].strip() for token in found["input_ids"]]
    assert said[found["first_supervised"] :] == ["[]", "done", "<|im_end|>"]
    assert said[: found["first_supervised"]] == ["user:", "hello", "there", "assistant:"]
    assert found["length"] == 7 and found["subtask"] == "use" and found["id"] == "a"


def test_long_rows_are_left_out_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", row("a"), row("b", query="many words " * 20))
    tokenise(Words(), path, tmp_path, max_tokens=20)
    assert [found["id"] for found in load_rows(tmp_path)] == ["a"] and count_left_out(tmp_path) == 1
    told = json.loads((tmp_path / "left_out.jsonl").read_text())
    assert told["id"] == "b" and told["reason"] == "too-long"


def test_an_answer_that_the_tokenizer_cannot_write_is_left_out_by_name(tmp_path: Path) -> None:
    """It would teach the model to answer with the unknown token; in a question the model meets it anyway."""
    path = write(tmp_path / "rows.jsonl", row("a"), row("b", target="fine unheard"), row("c", query="what unheard"))
    tokenise(Words(), path, tmp_path, max_tokens=20)
    assert [found["id"] for found in load_rows(tmp_path)] == ["a", "c"]
    told = json.loads((tmp_path / "left_out.jsonl").read_text())
    assert told["id"] == "b" and told["reason"] == "unknown-token"


def test_tokens_of_another_models_tokenizer_are_refused(tmp_path: Path) -> None:
    words = Words()
    tokenise(words, write(tmp_path / "rows.jsonl", row("a")), tmp_path, max_tokens=20)
    check_ids(load_rows(tmp_path), len(words.known))
    with pytest.raises(TrainError, match=r"row a has the token \d+, and the model knows 5 tokens"):
        check_ids(load_rows(tmp_path), 5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row("a", target="")], "row a has no supervised tokens"),
        ([talk("a", "user", "assistant")], r"row a has no supervised tokens in a turn \(an empty one\)"),
        ([talk("a", "user", "assistant", "user", "assistant=fine")], "row a has no supervised tokens in a turn"),
        ([talk("a")], "row a has no messages"),
        ([row("a", query="many words " * 20)], "raise it"),
        ([], "it is empty"),
        ([row("a"), row("a")], "two rows have the id a"),
    ],
)
def test_rows_that_would_train_nothing_are_refused(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(TrainError, match=said):
        tokenise(Words(), write(tmp_path / "rows.jsonl", *rows), tmp_path, max_tokens=20)


@pytest.mark.parametrize("line", [b"{", b"\xff\xfe{}", b"null", b"[" * 100_000, b'{"id": "\\ud800"}'])
def test_a_line_that_is_no_row_is_refused_by_its_number(tmp_path: Path, line: bytes) -> None:
    path = write(tmp_path / "rows.jsonl", row("a"))
    path.write_bytes(path.read_bytes() + b"\n" + line)
    with pytest.raises(TrainError, match=r"rows.jsonl:3: is no training row"):
        list(read_rows(path))


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", row("a"), {"id": "b"})
    with pytest.raises(TrainError, match=r"rows.jsonl:2: is no training row \(subtask"):
        list(read_rows(path))
