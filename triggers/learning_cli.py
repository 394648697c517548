"""`culprit eval compare` and `culprit eval stream`: did a change help, and does experience."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for scripts")]


def compare(
    a: Annotated[Path, typer.Argument(help="before: what `culprit eval run --json` printed, or a file of rows")],
    b: Annotated[Path, typer.Argument(help="after")],
    tolerance: Annotated[float, typer.Option(min=0, help="how much the mean of a gated score may fall")] = 0.02,
    gate: Annotated[list[str] | None, typer.Option(help="may not fall; default: cause and harmless")] = None,
    out: Annotated[Path | None, typer.Option(help="a folder for report.html, report.md, report.json, pictures")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two runs of the same cases, pair by pair. Exit 1 when a gated score fell by more than the tolerance.

    Repeats are averaged by case; neither their number nor the order of the cases matters.
    """
    from config.errors import CulpritError
    from evals.compare import compare_runs, failures, read_run
    from evals.compare_report import as_markdown, write_report

    try:
        found = compare_runs(read_run(a), read_run(b))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    failed = failures(found, gates=tuple(gate or ("cause", "harmless")), tolerance=tolerance)
    if out is not None:
        write_report(found, failed, out, names=(a.name, b.name))
    typer.echo(json.dumps(found.as_dict() | {"failed": failed}, ensure_ascii=False) if as_json
               else as_markdown(found, failed, names=(a.name, b.name)))
    raise typer.Exit(1 if failed else 0)


def stream(
    folder: Annotated[list[Path] | None, typer.Argument(help="folders of cases; default: all of evals/")] = None,
    each: Annotated[int, typer.Option(min=1, help="episodes made of each recording")] = 12,
    most: Annotated[int | None, typer.Option(min=1, help="only so many of the shuffled episodes, in each half")] = None,
    orders: Annotated[int, typer.Option(min=1, help="orders the episodes are told in")] = 1,
    seed: Annotated[int, typer.Option(help="of edits and orders")] = 7,
    work: Annotated[Path, typer.Option(help="where episodes and answers are kept; run again, it goes on")] = Path(
        "build/stream"),
    doc: Annotated[Path | None, typer.Option(help="write the page, such as docs/learning.md")] = None,
    as_json: AsJson = False,
) -> None:
    """Replay incidents in a row with memory off, on, dealt at random, and taught wrongly in part.

    Exit 1 when memory does not help, harms look-alikes, or does not survive wrong feedback.
    """
    from rich.console import Console
    from rich.progress import Progress

    from config.errors import CulpritError
    from config.logging import configure_logging
    from config.settings import Log
    from evals.learning_page import page
    from evals.replay import Replay
    from evals.verdict_on_learning import judge

    configure_logging(Log(level="error", format="console"))
    console = Console(stderr=True)
    try:
        with Progress(console=console) as bars:
            bar = bars.add_task("episodes", total=None)
            replay = Replay(folders=tuple(folder or (Path("evals/cases"), Path("evals/development"))), each=each,
                            orders=orders, seed=seed, work=work, most=most)
            outcomes, reviews = replay.run(on_total=lambda n: bars.update(bar, total=n),
                                           on_episode=lambda _: bars.advance(bar))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    verdict = judge(outcomes, reviews)
    if doc is not None:
        doc.write_text(page(verdict, replay), encoding="utf-8")
    typer.echo(json.dumps(verdict.as_dict(), ensure_ascii=False, indent=1) if as_json else verdict.as_markdown())
    raise typer.Exit(0 if verdict.passed else 1)


def report_live(out: Path | None, *, as_json: bool) -> None:
    """The ledger over time, printed or written."""
    from evals.over_time import as_markdown, by_family, by_week
    from triggers.ledger_rows import told_incidents
    from triggers.queue_cli import opened

    with opened(None) as (store, _):
        rows = told_incidents(store.database)
    weeks, families = by_week(rows), by_family(rows)
    text = as_markdown(weeks, families)
    if as_json:
        text = json.dumps({"weeks": [p.as_dict() for p in weeks], "families": [p.as_dict() for p in families]},
                          ensure_ascii=False)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text, encoding="utf-8")
