"""`culprit`: the command line. Heavy imports live inside the command that needs them: --help answers at once."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triggers import (
    ablation_cli,
    anomalies_cli,
    cards_cli,
    case_cli,
    eval_cli,
    incident_cli,
    inventory_cli,
    learning_cli,
    queue_cli,
    review_cli,
)

if TYPE_CHECKING:
    from config.settings import Settings

app = typer.Typer(
    help="Find out what broke, why, how sure that is, and what could not be checked.",
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None,
)
eval_cli.app.command("ablation")(ablation_cli.ablation)
case_cli.app.command()(review_cli.review)
eval_cli.app.command()(learning_cli.compare)
eval_cli.app.command()(learning_cli.stream)
app.command()(review_cli.feedback)
app.add_typer(anomalies_cli.app, name="anomalies")
app.add_typer(cards_cli.app, name="cards")
app.add_typer(case_cli.app, name="case")
app.add_typer(eval_cli.app, name="eval")
app.add_typer(incident_cli.app, name="incident")
app.add_typer(inventory_cli.app, name="inventory")
app.add_typer(queue_cli.app, name="queue")

Config = Annotated[Path | None, typer.Option(help="settings file; default culprit.yaml")]
Lang = Annotated[str, typer.Option(help="language of the report: en or ko")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


@app.command()
def investigate(
    case: Annotated[Path | None, typer.Option(help="a recorded case folder: the world and its signals")] = None,
    alert: Annotated[Path | None, typer.Option(help="an Alertmanager payload: a JSON file, or - for stdin")] = None,
    ask: Annotated[str, typer.Option(help="a question in words")] = "",
    at: Annotated[str, typer.Option(help="ISO 8601 time to look back from; default now, or the case's own now")] = "",
    model: Annotated[str, typer.Option(help="analyst, or the name of a model on the configured server")] = "",
    lang: Lang = "",
    explain: Annotated[bool, typer.Option("--explain", help="print the ledger of odds too")] = False,
    as_json: Json = False,
) -> None:
    """Investigate once and print the diagnosis."""
    from config.errors import CulpritError
    from triggers.investigate_once import investigate_once, print_diagnosis

    try:
        result = asyncio.run(investigate_once(case=case, alert=alert, ask=ask, at=at, model=model, lang=lang))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    print_diagnosis(result, as_json=as_json, explain=explain)


@app.command()
def serve(
    with_worker: Annotated[bool, typer.Option("--with-worker", help="investigate in the same process too")] = False,
    config: Config = None,
) -> None:
    """Open the doors: HTTP webhooks and the incident API."""
    from triggers.processes import serve as run_doors

    asyncio.run(run_doors(_settings(config), with_worker=with_worker))


@app.command()
def worker(config: Config = None) -> None:
    """Claim incidents and investigate them; any number of workers may share one database."""
    from triggers.processes import work

    asyncio.run(work(_settings(config)))


@app.command()
def doctor(config: Config = None, as_json: Json = False) -> None:
    """Look at every backend: reachable, version, permission, clock, freshness, mapping; exit 1 when one fails."""
    from config.errors import CulpritError
    from triggers.doctor import examine, show

    try:
        checks = asyncio.run(examine(_settings(config)))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(show(checks, as_json=as_json))


def _settings(config: Path | None) -> Settings:
    """The settings, or exit 2 with what is wrong."""
    from config.errors import ConfigError
    from config.settings import load_settings

    try:
        return load_settings(config)
    except ConfigError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error


@app.command()
def demo(
    case: Annotated[Path | None, typer.Option(help="another case folder with a recorded alert")] = None,
    lang: Lang = "en",
    export_svg: Annotated[Path | None, typer.Option(help="write the report as an SVG picture")] = None,
    as_json: Json = False,
) -> None:
    """Run the whole main job on a bundled recorded incident: no key, no network."""
    from rich.console import Console

    from config.errors import CulpritError
    from evals.case import bundled_demo
    from triggers.demo import run_demo, show
    from triggers.report import export_svg as svg_of

    console = Console(stderr=as_json)
    try:
        folder = case or bundled_demo()
        result = asyncio.run(run_demo(folder, lang=lang, console=console))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(result.diagnosis.model_dump_json(indent=2))
    else:
        show(result, folder, lang=lang, console=console)
    if export_svg:
        export_svg.write_text(svg_of(result.diagnosis, result.charts, lang), encoding="utf-8")


def main() -> None:
    """Entry point of the console script. Imports and case files allocate much that stays: collect rarely."""
    gc.set_threshold(50_000, 20, 50)
    app()


if __name__ == "__main__":
    main()
