"""What ships: every configuration loads, no file knows this machine, and files stay small enough to read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfimprove.config import load
from selfimprove.config.model import Config, Section

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("selfimprove", "flows", "tasks", "configs", "docs", "benchmarks", "requirements", "tests", ".ci")
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".json", ".jsonl", ".jinja", ".toml", ".sh", ".lock", ".txt", ""}
OF_A_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/[\w.]")
LONGEST = 400


def shipped() -> Iterator[Path]:
    """Files that belong to the project: what git tracks, or would (new files that it does not ignore)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        yield from (ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file())
        return
    found = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file())
    yield from (file for file in found if "__pycache__" not in file.parts)


@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("**/*.yaml")), ids=lambda f: f.name)
def test_every_shipped_configuration_loads(file: Path) -> None:
    assert isinstance(load([file]).value, Config)


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in shipped()
        if file.suffix in SUFFIXES
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if OF_A_MACHINE.search(line)
    ]
    assert found == []


def test_no_module_grows_too_long_to_read() -> None:
    long = [
        str(file.relative_to(ROOT))
        for file in shipped()
        if file.suffix == ".py" and "tests" not in file.parts and len(file.read_text(encoding="utf-8").splitlines()) > LONGEST
    ]
    assert long == []


def test_every_setting_says_what_it_does() -> None:
    """The line below a field is its description: `config show` and the schema print it."""
    silent = []
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    for name, section in sections.items():
        if isinstance(section, type) and issubclass(section, Section):
            silent += [f"{name}.{key}" for key, field in section.model_fields.items() if not field.description]
    assert silent == []


def test_the_readme_of_configurations_names_every_one() -> None:
    text = (ROOT / "configs" / "README.md").read_text(encoding="utf-8")
    assert [f.name for f in (ROOT / "configs").glob("*.yaml") if f"`{f.name}`" not in text] == []


def test_settings_named_in_documents_exist() -> None:
    """A document that names a setting that is gone sends its reader into a refusal."""
    known = {f"{name}.{key}" for name, field in Config.model_fields.items()
             if isinstance(field.annotation, type) and issubclass(field.annotation,
             Section) for key in field.annotation.model_fields}  # fmt: skip
    sections = {name.split(".")[0] for name in known}
    for document in ("configs/README.md", "docs/formats.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        named = set(re.findall(r"`((?:" + "|".join(sections) + r")\.[a-z_]+)(?:=[^`]*)?`", text))
        allowed = {n for n in named if n.rsplit(".", 1)[-1] in ("jsonl", "json", "yaml", "answer", "problem")}
        assert named - known - allowed == set(), document
