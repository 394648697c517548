"""`culprit eval ablation`: what verification is worth, whatever the model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evals.ablation import Row


def ablation(
    folder: Annotated[Path, typer.Argument(help="a case, or a folder of cases")] = Path("evals/cases"),
    tape: Annotated[Path | None, typer.Option(help="a model's tape, for a row of its own")] = None,
    model: Annotated[str, typer.Option(help="the model's name on the tape")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
) -> None:
    """Run the analyst and models that are wrong on purpose, each with and without verification."""
    from rich.console import Console

    from config.errors import CulpritError
    from config.logging import configure_logging
    from config.settings import Log
    from evals.ablation import measure, policies
    from evals.case import find_cases

    configure_logging(Log(level="error", format="console"))
    try:
        rows = asyncio.run(measure(find_cases(folder), policies(tape=tape, model=model)))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps([_as_dict(r) for r in rows], indent=2))
    else:
        Console().print(_table(rows))


def _as_dict(row: Row) -> dict[str, object]:
    return {"policy": row.policy, "verified": row.verified, **{c: r.as_dict() for c, r in row.rates.items()}}


def _table(rows: list[Row]) -> object:
    from rich.table import Table

    from evals.ablation import COLUMNS

    table = Table("policy", "verified", *COLUMNS, title=f"n = {next(iter(rows[0].rates.values())).n} cases")
    for row in rows:
        cells = [f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in (row.rates[c] for c in COLUMNS)]
        table.add_row(row.policy, "yes" if row.verified else "no", *cells)
    return table
