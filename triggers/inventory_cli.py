"""`culprit inventory …`: check a file, draft one from what runs, print its schema for editors."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check the inventory, or draft one from Docker.", no_args_is_help=True)
Config = Annotated[Path | None, typer.Option(help="settings file; default culprit.yaml")]


@app.command()
def check(
    path: Annotated[Path | None, typer.Argument(help="an inventory file; default: world.inventory")] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """Read a file whole. A mistake is named with its line, and the exit code is 1."""
    from config.errors import ConfigError
    from config.settings import load_settings
    from tools.sources.inventory import load_inventory

    try:
        chosen = path or load_settings(config).world.inventory
        if chosen is None:
            typer.echo("culprit: give a file, or set world.inventory", err=True)
            raise typer.Exit(2)
        found = load_inventory(chosen)
    except ConfigError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(1) from error
    counts = {"services": len(found.services), "containers": sum(len(s.members()) for s in found.services),
              "hosts": len(found.hosts), "clusters": len(found.clusters)}
    if as_json:
        typer.echo(json.dumps({"file": str(chosen), **counts}, ensure_ascii=False))
        return
    typer.echo(f"{chosen}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    for service in found.services:
        lacks = [w for w, missing in (("work", service.work is None), ("owner", not service.owner)) if missing]
        if service.kind in ("api", "worker") and lacks:
            typer.echo(f"  {service.name}: no {' and no '.join(lacks)}")


@app.command()
def discover(
    docker: Annotated[str, typer.Option(help="such as unix:///var/run/docker.sock; default: world.docker")] = "",
    label: Annotated[list[str] | None, typer.Option(help="only containers with this label, such as team=chat")] = None,
    out: Annotated[Path | None, typer.Option(help="write here instead of printing; never over a file")] = None,
    config: Config = None,
) -> None:
    """Draft an inventory from Docker's labels and names. What was guessed stands on top as comments."""
    from config.errors import CulpritError
    from config.settings import DockerHost, Sources, load_settings
    from tools.inventory_draft import draft_inventory
    from tools.live_world import live_world
    from tools.sources.inventory import Inventory, parse_inventory

    try:
        sources = load_settings(config).world.all_sources()[0]
        if docker:
            host = DockerHost(name="docker", url=docker, labels=tuple(label or ()))
            sources = Sources(cluster=sources.cluster, docker=(host,))
        world = live_world(sources, inventory=Inventory(), database=None)
        if world.containers is None:
            typer.echo("culprit: give --docker URL, or set world.docker", err=True)
            raise typer.Exit(2)
        found = asyncio.run(world.containers.list(at_ms=time.time_ns() // 1_000_000))
        text = draft_inventory(found, cluster=sources.cluster).text()
        parse_inventory(text)
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(1) from error
    if out is None:
        typer.echo(text, nl=False)
    elif out.exists():
        typer.echo(f"culprit: {out} exists and is not overwritten", err=True)
        raise typer.Exit(2)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}: look it over, then `culprit inventory check {out}`")


@app.command()
def schema() -> None:
    """Print the JSON schema, for completion and warnings in an editor."""
    from tools.sources.inventory import Inventory

    typer.echo(json.dumps(Inventory.model_json_schema(), indent=2))
