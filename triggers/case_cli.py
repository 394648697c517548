"""`culprit case …`: recorded incidents on the command line. Heavy imports live inside the command that needs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look at, check, query, serve and edit recorded incidents.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]
Folder = Annotated[Path, typer.Argument(help="a case folder")]
Root = Annotated[Path | None, typer.Argument(help="a case, or a folder of cases; default: the bundled ones")]


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What the user can mend ends with a sentence and exit code 2."""
    from config.errors import CulpritError

    try:
        yield
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error


@app.command("list")
def list_cases(root: Root = None, as_json: Json = False) -> None:
    """List cases: what started them, their window and what was captured. Labels stay hidden."""
    from rich.console import Console
    from rich.table import Table

    from evals.case import BUNDLED, find_cases
    from evals.case_rows import case_row

    with _usage_errors():
        rows = [case_row(folder) for folder in find_cases(root or BUNDLED)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("case", "title", "signal", "now", "minutes", "not captured")
    for row in rows:
        table.add_row(row["id"], row["title"].get("en") or next(iter(row["title"].values()), ""),
                      "\n".join(row["signals"]), row["now"], f"{row['minutes']:.0f}", ", ".join(row["missing"]))
    Console().print(table)


@app.command()
def check(
    root: Root = None,
    strict: Annotated[bool, typer.Option(help="warnings fail too")] = False,
    as_json: Json = False,
) -> None:
    """Read every file of a case whole and hold them against each other. Exit 1 when something is wrong."""
    from rich.console import Console

    from evals.case import BUNDLED, find_cases
    from evals.check import check_case
    from tools.recorded.check import Severity

    with _usage_errors():
        found = {folder: check_case(folder) for folder in find_cases(root or BUNDLED)}
    console = Console(stderr=as_json)
    for folder, problems in found.items():
        errors = sum(p.severity is Severity.ERROR for p in problems)
        verdict = "[red]wrong[/red]" if errors else "[yellow]doubtful[/yellow]" if problems else "[green]fine[/green]"
        console.print(f"{folder.name}: {verdict}")
        for problem in problems:
            console.print(f"  {problem.severity.value:<8}{problem.file}: {problem.text}", markup=False, highlight=False)
    if as_json:
        typer.echo(json.dumps({str(f): [p.__dict__ for p in ps] for f, ps in found.items()}, ensure_ascii=False))
    if any(strict or p.severity is Severity.ERROR for problems in found.values() for p in problems):
        raise typer.Exit(1)


@app.command()
def mutate(
    folder: Folder,
    out: Annotated[Path, typer.Argument(help="a new folder for the edited case")],
    edits: Annotated[list[str], typer.Argument(help="such as rename:7 swap-colours shift:-86400 drop:logs")],
    id: Annotated[str, typer.Option(help="the new case's id; default: the new folder's name")] = "",
) -> None:
    """Make an edited case of the same truth: other names, colours, wording, time, or less to know it by."""
    from evals.mutate import mutate_folder, named

    with _usage_errors():
        mutate_folder(folder, out, [named(edit) for edit in edits], id=id or out.resolve().name)
    typer.echo(f"wrote {out}")
