"""Settings of any kind from a YAML file and single overrides, with refusals that name the key."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from .errors import UsageError
from .sources.uri import redacted

Model = TypeVar("Model", bound=BaseModel)


def read_settings(
    kind: type[Model],
    path: Path | None = None,
    overrides: list[str] | None = None,
    given: Mapping[str, Any] | None = None,
    prepare: Callable[[dict[str, Any]], None] | None = None,
) -> Model:
    """Defaults, then the file, then each override, then what was given in another way.

    Args:
        kind: model that forbids unknown keys.
        path: YAML file; None for defaults alone.
        overrides: "section.key=value", the value in YAML.
        given: "section.key" to value; None leaves a setting as it is.
        prepare: changes what the file says before anything is laid over it.

    Raises:
        UsageError: unreadable file, unknown key, or a value that does not go.
    """
    data = {} if path is None else _read(kind, path)
    where = "--set" if path is None else str(path)
    if prepare is not None:
        prepare(data)
    for override in overrides or []:
        _apply(kind, data, override)
    for name, value in (given or {}).items():
        if value is not None:
            _put(kind, data, name, value, f"{name}={value}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _explain(kind, error, where) from error


def _read(kind: type[BaseModel], path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"cannot read configuration {path}: {error.strerror}", hint="check its name"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text file", hint="give a YAML file") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not YAML{_problem(error)}", hint=_known(kind)) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds no sections, but {type(data).__name__}", hint=_known(kind))
    # A section with nothing below it keeps its defaults.
    return {
        key: {} if value is None and _is_section(kind, key) else value
        for key, value in data.items()
    }


def _problem(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the text around it, which may hold a password."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{place}: {problem}" if problem else place


def _is_section(kind: type[BaseModel], key: str) -> bool:
    return key in kind.model_fields and isinstance(kind.model_fields[key].default, BaseModel)


def _apply(kind: type[BaseModel], data: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UsageError(
            f"cannot read --set {redacted(override)}", hint="write --set section.key=value"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(
            f"--set {redacted(override)}: the value is not YAML",
            hint="quote it, or write a plain value",
        ) from error
    _put(kind, data, key, value, f"--set {override}")


def _put(kind: type[BaseModel], data: dict[str, Any], key: str, value: Any, where: str) -> None:
    *sections, last = key.split(".")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise UsageError(f"{redacted(where)}: '{section}' is no section", hint=_known(kind))
    data[last] = value


def _explain(kind: type[BaseModel], error: ValidationError, where: str) -> UsageError:
    """The first of the errors in one line; an unknown key with the nearest known one."""
    errors = error.errors()
    # A key with a typo is missing too; the typo says more.
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    section = _section(kind, path[:-1])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], section.model_fields, n=1, cutoff=0.5)
        guess = f"did you mean '{'.'.join([*path[:-1], near[0]])}'? " if near else ""
        return UsageError(f"{where}: unknown key '{redacted(key)}'", hint=guess + _known(section))
    message = first["msg"].removeprefix("Value error, ")
    value = "" if isinstance(first["input"], dict) else f" is {redacted(repr(first['input']))}:"
    return UsageError(f"{where}: {key}{value} {message}", hint=_known(_section(kind, path)))


def _section(kind: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """Innermost model on the way along ``path``; places in a list count as their element."""
    for part in path:
        if part in kind.model_fields:
            kind = _model_in(kind.model_fields[part].annotation) or kind
    return kind


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """First model that a type is made of, for instance of ``tuple[Phase, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def _known(section: type[BaseModel]) -> str:
    return f"known here: {', '.join(section.model_fields)}"
