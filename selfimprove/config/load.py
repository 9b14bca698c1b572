"""Files merged left to right, then `key.path=value` overrides; every value remembers where it came from.

    loaded = load([Path("configs/demo.yaml")], ["run.seed=3"])
    print(render(loaded))          # the resolved configuration with the origin of each value

What this is not: a template language. A file is plain YAML, and an unknown key is refused with the nearest right name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from selfimprove.config.model import Config
from selfimprove.errors import ConfigError


@dataclass(frozen=True)
class Loaded:
    """A configuration and, for each dotted key that was set, the file or override that set it."""

    value: Config
    origin: dict[str, str]


def load(files: Sequence[Path | str] = (), overrides: Iterable[str] = ()) -> Loaded:
    """Raises ConfigError in one sentence for a missing file, bad YAML, an unknown key or a value of the wrong type."""
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for file in files:
        _merge(merged, _read(Path(file)), "", str(file), origin)
    for text in overrides:
        key, value = _parse_override(text)
        nested: dict[str, Any] = {}
        _set(nested, key, value)
        _merge(merged, nested, "", f"override {text}", origin)
    return Loaded(_validate(merged, origin), origin)


def render(loaded: Loaded) -> str:
    """The resolved configuration as YAML, each value followed by a comment naming its origin."""
    lines: list[str] = []
    for key, value in settings(loaded.value):
        dumped = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
        where = next((loaded.origin[k] for k in (key, *_parents(key)) if k in loaded.origin), "default")
        lines.append(f"{key}: {dumped:<24} # {where}")
    return "\n".join(lines)


def _parents(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such configuration file; `ls configs` shows the ones that ship") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{file}{line}: is not valid YAML ({getattr(error, 'problem', error)})") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: must be a mapping of settings, not a {type(content).__name__}")
    return content


def _parse_override(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {text!r}: write it as key.path=value, for instance train.batch=4")
    try:
        return key.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"override {text!r}: the value is not valid YAML; quote it") from None


def _set(target: dict[str, Any], key: str, value: Any) -> None:
    *path, last = key.split(".")
    for part in path:
        target = target.setdefault(part, {})
    target[last] = value


def _merge(into: dict[str, Any], new: dict[str, Any], prefix: str, where: str, origin: dict[str, str]) -> None:
    for key, value in new.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict) and isinstance(into.get(key, {}), dict):
            _merge(into.setdefault(key, {}), value, f"{dotted}.", where, origin)
        else:
            into[key] = value
            origin[dotted] = where


def _validate(merged: dict[str, Any], origin: dict[str, str]) -> Config:
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error, origin)) from None


def _explain(error: ValidationError, origin: dict[str, str]) -> str:
    found = error.errors()
    path = _setting(found[0]["loc"])
    key = ".".join(path)
    where = next((f" ({origin[k]})" for k in (key, *_parents(key)) if k in origin), "")
    if found[0]["type"] == "extra_forbidden":
        return f"unknown setting {key}{where}{_nearest(path)}"
    # Where a setting may be of several kinds, there is an error for each of them.
    said = [one["msg"].removeprefix("Value error, ") for one in found if _setting(one["loc"]) == path]
    message = ", or ".join([said[0], *(one.removeprefix("Input should be ") for one in said[1:])])
    return f"{key}{where}: {message}" if key else message


def _setting(place: Sequence[int | str]) -> list[str]:
    """The names of a setting, without the kind of value that pydantic tried last (`constrained-int`, `literal['auto']`)."""
    section: Any = Config
    for depth, name in enumerate(place):
        fields = section.model_fields if isinstance(section, type) and issubclass(section, BaseModel) else {}
        if name not in fields:
            kinds = isinstance(section, UnionType) or get_origin(section) is Union
            return [str(part) for part in (place[:depth] if kinds else place)]
        section = fields[str(name)].annotation
    return [str(part) for part in place]


def _nearest(path: list[str]) -> str:
    names = [key for key, _ in settings(Config())]
    section: type[BaseModel] | None = Config
    for part in path[:-1]:
        annotation = section.model_fields[part].annotation if section and part in section.model_fields else None
        section = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    prefix = ".".join(path[:-1])
    siblings = [f"{prefix}.{n}" if prefix else n for n in (section.model_fields if section else {})]
    close = difflib.get_close_matches(".".join(path), siblings, 1, 0.6) or difflib.get_close_matches(
        ".".join(path), names, 1, 0.6
    )
    by_leaf = [n for n in names if n.split(".")[-1] == path[-1]]
    best = (close or by_leaf or [""])[0]
    return f"; did you mean {best}?" if best else "; `selfimprove config show` lists every setting"


def settings(config: Config) -> Iterable[tuple[str, Any]]:
    """(key.path, value) of every setting."""
    return _flatten(config.model_dump(mode="json"), "")


def _flatten(value: dict[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict) and item:
            yield from _flatten(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
