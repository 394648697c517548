"""`culprit queue`: look at what waits, pause and resume, requeue and cancel."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from triggers.operations import Operations
    from triggers.wiring import Store

app = typer.Typer(name="queue", help="What waits to be investigated, and what to do about it.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default=False)]
IncidentId = Annotated[str, typer.Argument(help="The incident's id.")]


@app.command("list")
def list_(
    state: Annotated[list[str] | None, typer.Option(help="Only these states; may be given several times.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50, as_json: AsJson = False, config: ConfigFile = None,
) -> None:
    """Incidents in the order they will be taken; dead letters last."""
    with opened(config) as (_, operations):
        found = operations.waiting(states=tuple(state) if state else ("running", "queued", "dead"), limit=limit)
        overview = operations.overview()
    if as_json:
        typer.echo(json.dumps({**overview, "incidents": found}, ensure_ascii=False))
        return
    counts = ", ".join(f"{n} {name}" for name, n in sorted(overview["states"].items())) or "empty"
    typer.echo(f"queue: {counts}" + ("; PAUSED (culprit queue resume)" if overview["paused"] else ""))
    for row in found:
        waiting = f"waits {_age(row['opened_ms'])}" if row["state"] == "queued" else f"since {_age(row['opened_ms'])}"
        note = f"  {row['error']}" if row["error"] else ""
        typer.echo(f"{row['id']}  {row['state']:<8} {row['severity']:<8} {waiting:<12} "
                   f"attempt {row['attempts']}  {row['title']}{note}")


@app.command()
def show(incident: IncidentId, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """One incident with its signals, runs and diagnosis."""
    with opened(config) as (store, _):
        found = store.incidents.show(incident)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    for name in ("id", "title", "state", "severity", "attempts", "signal_count", "owner", "error", "merged_into",
                 "linked_to"):
        if found[name] not in (None, ""):
            typer.echo(f"{name.replace('_', ' ')}: {found[name]}")
    for run in found["runs"]:
        typer.echo(f"run {run['id']}: {run['state']}" + (f" ({run['error']})" if run["error"] else ""))


@app.command()
def pause(config: ConfigFile = None) -> None:
    """Start no more investigations; signals are still stored and announced."""
    _act(config, lambda operations: operations.pause(), "paused")


@app.command()
def resume(config: ConfigFile = None) -> None:
    """Start investigations again."""
    _act(config, lambda operations: operations.resume(), "resumed")


@app.command()
def requeue(incident: IncidentId, config: ConfigFile = None) -> None:
    """Investigate a dead, cancelled or finished incident again."""
    _act(config, lambda operations: operations.requeue(incident), f"{incident} is queued")


@app.command()
def cancel(incident: IncidentId, config: ConfigFile = None) -> None:
    """Drop an incident from the queue, or stop its investigation."""
    _act(config, lambda operations: operations.cancel(incident), f"{incident} is cancelled")


def _act(config: Path | None, action: Callable[[Operations], Any], said: str) -> None:
    with opened(config) as (_, operations):
        action(operations)
    typer.echo(said)


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[Store, Operations]]:
    """Exit code 2 and one line for what the user can put right."""
    from config.errors import CulpritError
    from config.settings import load_settings
    from triggers.operations import Operations
    from triggers.wiring import build_store

    try:
        store = build_store(load_settings(config), publishers=())
        try:
            yield store, Operations(database=store.database, wake=store.wake)
        finally:
            store.close()
    except CulpritError as error:
        typer.echo(f"culprit queue: {error}", err=True)
        raise typer.Exit(2) from error


def _age(since_ms: int) -> str:
    seconds = max(0, int(time.time() - since_ms / 1000))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
