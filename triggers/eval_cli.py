"""`culprit eval …`: accuracy, measured on cases with hidden labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evals.scorers import CaseScores

app = typer.Typer(help="Measure accuracy on cases with hidden labels.", no_args_is_help=True)


@app.callback()
def _eval() -> None:
    """Keeps `run` a sub-command."""


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(help="a case, or a folder of cases")] = Path("evals/cases"),
    as_json: Annotated[bool, typer.Option("--json", help="print the whole report as JSON")] = False,
    gate: Annotated[
        list[str] | None, typer.Option(help="fail below: NAME=VALUE, such as cause=0.9; harmless=1 always holds")
    ] = None,
) -> None:
    """Investigate every case with the built-in analyst and score it. Exit 1 when a case crashed or a gate failed."""
    from rich.console import Console

    from config.errors import BadSnapshot
    from config.logging import configure_logging
    from config.settings import Log
    from evals.case import find_cases
    from evals.report import as_json as whole
    from evals.report import rates
    from evals.run import run_cases

    gates = _gates(gate or [])
    configure_logging(Log(level="warning", format="console"))
    console = Console(stderr=as_json)
    try:
        results = run_cases(find_cases(folder), on_case=lambda r: console.print(_row(r)))
    except BadSnapshot as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    found = rates(results)
    for name, rate in found.items():
        console.print(f"{name:>20} {rate.mean:.3f}  n={rate.n}  95 % [{rate.low:.3f}, {rate.high:.3f}] "
                      f"over {rate.clusters} recordings", highlight=False)
    if as_json:
        typer.echo(json.dumps(whole(results, model="analyst"), indent=2, ensure_ascii=False))
    failed = [n for n, least in gates.items() if n not in found or found[n].mean < least]
    if failed or any(r.crash for r in results):
        console.print(f"[red]gates failed: {', '.join(failed) or 'a case crashed'}[/red]")
        raise typer.Exit(1)


def _gates(texts: list[str]) -> dict[str, float]:
    gates = {"harmless": 1.0}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            gates[name] = float(value)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not NAME=NUMBER") from error
    return gates


def _row(r: CaseScores) -> str:
    right = r.scores["cause"].value == 1.0
    mark = "[green]right[/green]" if right else f"[red]{'crashed' if r.crash else 'wrong'}[/red]"
    confidence = "" if r.confidence is None else f" {r.confidence:.2f}"
    return f"{mark} {r.case}: {r.said or r.crash}{confidence}  [dim]{r.facts.get('seconds', 0):.2f} s[/dim]"
