"""A file of rows -> a file of verdicts, line by line: memory does not grow with the file, and no line ends the run.

    summary = verify_file(Path("rows.jsonl"), Path("verdicts.jsonl"), layers=RULES, profile="training")
    print(render(summary))
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

from selfimprove.errors import DataError
from selfimprove.store.jsonl import write_error
from selfimprove.tools.canonical import Profile
from selfimprove.verify.layers import LAYERS, Counts
from selfimprove.verify.row import bad_row, verify_row

LONGEST_LINE = 64 << 20
"""Bytes of one row. A longer line is a bad row and is passed over without being kept."""
ELSEWHERE = ("agreement", "reference")
"""Layers that a row cannot have of itself: a vote needs several answers, and references decide wherever a row has them."""


@dataclass
class Summary:
    """What was done with a file: verdicts, the codes of reasons (without names), and what each layer did."""

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    layers: Counts = field(default_factory=Counts)
    seconds: float = 0.0


def verify_file(
    source: Path,
    out: Path,
    *,
    layers: Sequence[str],
    profile: Profile = "training",
    modules: Mapping[str, Path] | None = None,
) -> Summary:
    """Writes one verdict a row, in order. Raises DataError for a file that cannot be read, StoreError for one that cannot be
    written; a row that is malformed is a verdict with its line number."""
    summary, start = Summary(), perf_counter()
    with _reading(source) as rows, _writing(out) as target:
        for number, value, problem in _rows(rows):
            if problem:
                verdict = bad_row(value, problem)
            else:
                verdict = verify_row(value, layers=layers, profile=profile, counts=summary.layers, modules=modules)
            if verdict["reasons"] == ["bad-row"]:
                verdict["line"] = number
            summary.verdicts[verdict["verdict"]] += 1
            summary.reasons.update({str(reason).split(":")[0] for reason in verdict["reasons"]})
            try:
                target.write(_encoded(verdict))
            except OSError as error:
                raise write_error(out, error) from None
    summary.seconds = perf_counter() - start
    return summary


def _encoded(verdict: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(verdict, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a character, which only JSON's own escapes can carry
        return (json.dumps(verdict) + "\n").encode()


def _rows(file: BinaryIO) -> Iterator[tuple[int, Any, str]]:
    """(line number, value, what is wrong with the line or "")."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield number, None, f"the line is longer than {LONGEST_LINE >> 20} MB"
        elif line.strip():
            try:
                yield number, json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8")), ""
            except UnicodeDecodeError:
                yield number, None, "the line is not UTF-8 text"
            except (ValueError, RecursionError):
                yield number, None, "the line is not valid JSON"


@contextmanager
def _reading(source: Path) -> Iterator[BinaryIO]:
    try:
        file = source.open("rb")
    except FileNotFoundError:
        raise DataError(f"{source}: no such file") from None
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror})") from None
    with file:
        yield file


@contextmanager
def _writing(out: Path) -> Iterator[BinaryIO]:
    """The file appears when it is whole; a pipe or a device is written as it is."""
    direct = out.exists() and not out.is_file()
    path = out if direct else out.with_name(f".{out.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file
        if not direct:
            path.replace(out)
    except OSError as error:
        raise write_error(out, error) from None
    finally:
        if not direct:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def chosen_layers(text: str, *, stored: bool = False) -> tuple[str, ...]:
    """Layer names out of `a,b`; `stored`: what a judge said can be read. Raises DataError naming one that there is not."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    known = (*LAYERS, *ELSEWHERE, *(("judge",) if stored else ()))
    for name in names:
        if name == "judge" and not stored:
            raise DataError("--layers: the judge is a model and is asked in a round; put it into `verify.layers` of a run")
        if name not in known:
            raise DataError(f"--layers: there is no layer {name!r}; layers are {', '.join(known)}")
    if not names:
        raise DataError(f"--layers: names no layer; layers are {', '.join(known)}")
    # Cheap to dear, in whatever order they were named.
    return tuple(name for name in known if name in names)


def render(summary: Summary) -> str:
    """The report of a run over a file: verdicts, layers, reasons."""
    n, found = sum(summary.verdicts.values()), summary.verdicts
    shares = ", ".join(f"{v} {found[v]} ({found[v] / max(1, n):.1%})" for v in ("accepted", "rejected", "unknown"))
    lines = [f"{n} rows: {shares}; {n / max(summary.seconds, 1e-9):,.0f} rows/s"]
    lines.append(f"{'layer':<12}{'seen':>10}{'rejected':>10}{'unknown':>10}{'seconds':>10}")
    counts = summary.layers
    for name in (name for name in LAYERS if counts.seen[name]):
        lines.append(
            f"{name:<12}{counts.seen[name]:>10}{counts.rejected[name]:>10}{counts.unknown[name]:>10}{counts.seconds[name]:>10.2f}"
        )
    lines += [f"{reason:<24}{count:>8}" for reason, count in summary.reasons.most_common(20)]
    return "\n".join(lines)
