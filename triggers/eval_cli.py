"""`culprit eval …`: accuracy, measured on cases with hidden labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    episodes: Annotated[
        Path | None, typer.Option(help="a list of recordings and edits of them, relative to the folder")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="processes for a list of episodes")] = 1,
    results: Annotated[
        Path, typer.Option(help="where a list's rows are kept; the same command goes on where it stopped")
    ] = Path("build/episodes.jsonl"),
    model: Annotated[str, typer.Option(help="a model of the configured server; default the built-in analyst")] = "",
    tape: Annotated[
        Path | None, typer.Option(help="keep the model's replies there, and replay them when no server is configured")
    ] = None,
) -> None:
    """Investigate every case and score it. Exit 1 when a case crashed or a gate failed."""
    from rich.console import Console

    from config.errors import BadInput, BadSnapshot, ConfigError
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
        scored = (_run_list(folder, episodes, results, jobs) if episodes
                  else run_cases(find_cases(folder), **_reasoning(model, tape),
                                 on_case=lambda r: console.print(_row(r))))
    except (BadSnapshot, BadInput, ConfigError, OSError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    found = rates(scored)
    for name, rate in found.items():
        console.print(f"{name:>20} {rate.mean:.3f}  n={rate.n}  95 % [{rate.low:.3f}, {rate.high:.3f}] "
                      f"over {rate.clusters} recordings", highlight=False)
    if as_json:
        typer.echo(json.dumps(whole(scored, model=model or "analyst"), indent=2, ensure_ascii=False))
    failed = [n for n, least in gates.items() if n not in found or found[n].mean < least]
    if failed or any(r.crash for r in scored):
        console.print(f"[red]gates failed: {', '.join(failed) or 'a case crashed'}[/red]")
        raise typer.Exit(1)


def _reasoning(model: str, tape: Path | None) -> dict[str, Any]:
    """The model and its tape: recorded where a server is configured, replayed where none is."""
    if not model:
        return {}
    from agent.tape import Tape
    from config.settings import load_settings

    settings = load_settings().model
    reachable = bool(settings.base_url or settings.api_key)
    kept = Tape(tape, "record" if reachable else "replay") if tape is not None else None
    return {"model": settings.model_copy(update={"main": model}), "tape": kept}


def _run_list(folder: Path, episodes: Path, results: Path, jobs: int) -> list[CaseScores]:
    """The analyst's scores over a list, with progress; the baselines' rows are kept beside them for the report."""
    from rich.console import Console
    from rich.progress import Progress

    from evals.episode_run import ANALYST, arms_of, run_episodes
    from evals.episodes import read_episodes

    found = read_episodes(episodes)
    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task("episodes", total=sum(len(arms_of(e)) for e in found))
        rows = run_episodes(folder, found, results, jobs=jobs, on_rows=lambda rows: bars.advance(bar, len(rows)))
    return [row.scores for row in rows if row.arm == ANALYST]


@app.command()
def plan(
    root: Annotated[Path, typer.Argument(help="the folder the list is relative to")] = Path("evals"),
    folder: Annotated[list[str] | None, typer.Option(help="folders of cases in it")] = None,
) -> None:
    """Print the list of episodes for the recordings there are: each as it is and with every edit, seeds fixed."""
    from evals.episodes import plan as planned
    from evals.episodes import render

    typer.echo(render(planned(root, folder or ["cases", "development"])), nl=False)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="rows that `culprit eval run --episodes` kept")] = Path(
        "build/episodes.jsonl"),
    out: Annotated[Path | None, typer.Option(help="write the page there instead of printing it")] = None,
    live: Annotated[bool, typer.Option("--live", help="from the own ledger, by week and family")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="with --live: print JSON for scripts")] = False,
) -> None:
    """Write what a list of episodes has shown as a page: rates, intervals, baselines, calibration, what was missed.

    With --live: how often diagnoses were accepted, corrected, false alarms or recurrences, and how long they took.
    """
    if live:
        from triggers.learning_cli import report_live

        report_live(out, as_json=as_json)
        return
    from rich.console import Console

    from config.errors import BadInput
    from evals.accuracy import page
    from evals.results import last_stamp, read_rows

    try:
        rows = read_rows(results, stamp=last_stamp(results))
        if not rows:
            raise BadInput(f"{results}: no results there; run `culprit eval run evals --episodes evals/episodes.txt`")
    except BadInput as error:
        Console(stderr=True).print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    text = page(rows)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text, encoding="utf-8")


@app.command("public")
def public_sets(
    folders: Annotated[list[Path], typer.Argument(help="public sets, or cases of one")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for scripts")] = False,
    baro_python: Annotated[
        Path | None, typer.Option(help="a Python that has fse-baro, to run BARO on the same cases")
    ] = None,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="also weights chosen on other sets, and the sets told worse; minutes")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="write the page, such as docs/public-sets.md")] = None,
) -> None:
    """Rank components, or commits, of public incident sets beside the baselines."""
    from dataclasses import asdict

    from rich.console import Console

    from config.errors import BadInput, BadSnapshot
    from evals.public.folder import find_public, read_public
    from evals.public.held_out import held_out
    from evals.public.measure import measure, table
    from evals.public.page import page
    from evals.public.perturb import perturbed

    console = Console(stderr=as_json)
    try:
        rows = measure(folders, baro_python=baro_python,
                       on_case=lambda r: console.print(f"{r.case}: {r.said} (truth at {r.places['culprit']})"))
        cases = [read_public(c) for folder in folders for c in find_public(folder)] if thorough else []
        chosen, worse = held_out(cases), perturbed(cases)
    except (BadSnapshot, BadInput) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error
    if out is not None:
        out.write_text(page(rows, chosen, worse), encoding="utf-8")
    if as_json:
        told = {"table": table(rows), "cases": [asdict(r) for r in rows], "held_out": [asdict(r) for r in chosen],
                "told_worse": [asdict(r) for r in worse]}
        typer.echo(json.dumps(told, indent=1))
        return
    for line in table(rows):
        console.print(f"{line['set']} n={line['n']} {line['method']}: AC@1 {line['ac1']:.3f}, AC@3 {line['ac3']:.3f}")


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
