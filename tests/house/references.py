"""The generated references: `make docs` writes docs/cli.md and docs/settings.md; a test compares them with the code."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import typer
from pydantic import BaseModel, SecretStr

from config.settings import CONFIG_VARIABLE, PREFIX, Settings
from tests.house import losses
from tests.house.tree import ROOT

CLI = "docs/cli.md"
SETTINGS = "docs/settings.md"
GENERATED = "<!-- Written by `make docs` from the code; a test compares. -->"


def root_command() -> Any:
    """The whole command tree of `culprit`."""
    from triggers.cli import app

    return typer.main.get_command(app)


def commands(command: Any, path: tuple[str, ...] = ("culprit",)) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, parents first."""
    yield path, command
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield from commands(child, (*path, name))


def parameters(command: Any, kind: str) -> list[Any]:
    """A command's parameters of a kind, `option` or `argument`, without the hidden ones."""
    return [p for p in command.params if p.param_type_name == kind and not getattr(p, "hidden", False)]


def cli_reference() -> str:
    """docs/cli.md as it should be."""
    parts = ["# Commands", GENERATED, "Exit codes: 0 ok, 1 a gate failed, 2 wrong usage or a clear refusal."]
    for path, command in commands(root_command()):
        if getattr(command, "hidden", False):
            continue
        arguments = [(p.name or "").upper() for p in parameters(command, "argument")]
        parts.append(f"## `{' '.join([*path, *arguments])}`")
        parts.append(" ".join((command.help or "").split()))
        options = parameters(command, "option")
        if options:
            parts.append("\n".join(["| option | |", "|---|---|", *(_option(option) for option in options)]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _option(option: Any) -> str:
    flags = ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])
    default = option.default
    shown = f" (default `{default}`)" if default not in (None, "", False, ()) and not callable(default) else ""
    return f"| {flags} | {' '.join((option.help or '').split())}{shown} |"


def settings_reference() -> str:
    """docs/settings.md as it should be."""
    head = [
        "# Settings",
        GENERATED,
        f"Defaults, then a YAML file (`${CONFIG_VARIABLE}`, else `./culprit.yaml`), then the environment, which wins. "
        f"Two underscores join section and field: `http.port` is `{PREFIX}HTTP__PORT`. Secrets never print.",
        "| setting | environment | type | default |\n|---|---|---|---|\n" + "\n".join(_rows(Settings, ())),
    ]
    notes = [f"- `{name}`: {' '.join((model.__doc__ or '').split())}" for name, model in _sections() if model.__doc__]
    return "\n\n".join([*head, "\n".join(notes)]) + "\n"


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in Settings.model_fields.items():
        inner = _model(field.annotation)
        if inner is not None:
            yield name, inner


def _rows(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        inner = _model(field.annotation)
        if inner is not None and not _is_many(field.annotation):
            yield from _rows(inner, here)
            continue
        listed = f" of {{{', '.join(inner.model_fields)}}}" if inner is not None else ""
        default = "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        variable = PREFIX + "__".join(here).upper()
        yield f"| `{'.'.join(here)}` | `{variable}` | {_type(field.annotation)}{listed} | {default} |"


def _model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *typing.get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _is_many(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (tuple, list, dict)


def _type(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type(part) for part in inner if part is not type(None))
    if origin in (tuple, list):
        return "list" if _model(annotation) is not None else f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    if annotation is SecretStr:
        return "secret"
    return {"str": "text", "int": "integer", "float": "number", "bool": "yes or no", "Path": "path",
            "AwareDatetime": "time"}.get(
        getattr(annotation, "__name__", ""), str(annotation)
    )


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}) or (isinstance(value, SecretStr) and not value.get_secret_value()):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    (ROOT / CLI).write_text(cli_reference(), "utf-8")
    (ROOT / SETTINGS).write_text(settings_reference(), "utf-8")
    (ROOT / losses.DOCUMENT).write_text(losses.document(), "utf-8")
