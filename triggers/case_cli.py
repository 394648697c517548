"""`culprit case …`: recorded incidents on the command line. Heavy imports live inside the command that needs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

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
    table = Table("case", "title", "started by", "now", "min", "not captured")
    for row in rows:
        title = row["title"].get("en") or next(iter(row["title"].values()), "")
        missing = ", ".join(name for name in row["missing"] if " " not in name)  # whole modalities; --json has all
        started = "\n".join(text if len(text) <= 30 else f"{text[:29]}…" for text in row["signals"])
        table.add_row(row["id"], title, started, row["now"][:16], f"{row['minutes']:.0f}", missing)
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
def query(
    folder: Folder,
    promql: Annotated[str, typer.Argument(help="any PromQL")],
    at: Annotated[str, typer.Option(help="ISO 8601 or Unix seconds; default: the case's now")] = "",
    start: Annotated[str, typer.Option(help="first step of a range")] = "",
    end: Annotated[str, typer.Option(help="last step of a range; default: the case's now")] = "",
    step: Annotated[str, typer.Option(help="seconds or a duration, such as 30s")] = "15s",
    whole: Annotated[bool, typer.Option(help="look past the case's now, to the window's end")] = False,
) -> None:
    """Ask a recorded incident any PromQL; prints what Prometheus' HTTP API would. Exit 1 where it answers an error."""
    import asyncio

    from config.errors import UnknownThing
    from tools.evidence import iso
    from tools.recorded.case_api import open_metrics_api
    from tools.recorded.snapshot import read_snapshot

    with _usage_errors():
        api = open_metrics_api(folder, whole=whole)
        if api is None:
            raise UnknownThing(f"{folder.name}: metrics were not captured")
        manifest = read_snapshot(folder).manifest
        last = end or iso(manifest.window.end if whole else manifest.now)
        params = {"query": [promql], **({"start": [start], "end": [last], "step": [step]} if start else
                                        {"time": [at]} if at else {})}
        status, body = asyncio.run(api.answer("GET", "/api/v1/query_range" if start else "/api/v1/query", params))
    typer.echo(json.dumps(body, ensure_ascii=False))
    if status != 200:
        raise typer.Exit(1)


@app.command()
def serve(
    folder: Folder,
    port: int = 9099,
    host: Annotated[str, typer.Option(help="loopback unless you know who may read logs")] = "127.0.0.1",
    whole: Annotated[bool, typer.Option(help="show what came after the case's now too")] = False,
) -> None:
    """Serve a recorded incident over Prometheus' and Loki's HTTP APIs, for Grafana, curl or live clients."""
    import uvicorn

    from tools.recorded.case_api import CaseApi

    with _usage_errors():
        api = CaseApi(folder, whole=whole)
    about = api.about
    typer.echo(f"case {about['case']}: Prometheus and Loki at http://{host}:{port} (Loki's paths under /loki/); "
               f"look from {about['start']} to {about['end']}", err=True)
    uvicorn.run(api, host=host, port=port, log_level="warning", lifespan="off")


@app.command()
def capture(
    out: Annotated[Path, typer.Argument(help="a new folder; its name becomes the case's id")],
    start: Annotated[str, typer.Option(help="ISO 8601; at least ten minutes before it began, plus the longest range")],
    end: Annotated[str, typer.Option(help="ISO 8601; default: now")] = "",
    now: Annotated[str, typer.Option(help="when the signal arrived; default: the end")] = "",
    prometheus: Annotated[str, typer.Option(help="root URL; default: settings")] = "",
    loki: Annotated[str, typer.Option(help="root URL; default: settings")] = "",
    docker: Annotated[str, typer.Option(help="such as unix:///var/run/docker.sock; default: settings")] = "",
    inventory: Annotated[Path | None, typer.Option(help="inventory file; default: settings")] = None,
    cluster: Annotated[str, typer.Option(help="which of the settings' clusters; default: the first")] = "",
    metrics: Annotated[list[str] | None, typer.Option(help="only these series, such as 'up{job=\"api\"}'")] = None,
    logs: Annotated[list[str] | None, typer.Option(help="only these streams, such as '{service=\"api\"}'")] = None,
    alert: Annotated[list[Path] | None, typer.Option(help="an Alertmanager payload that started it")] = None,
    question: Annotated[str, typer.Option(help="what was asked, where no alert started it")] = "",
    max_mb: Annotated[int, typer.Option(min=1, help="of metrics and of logs, each")] = 256,
    as_json: Json = False,
) -> None:
    """Record an incident from live sources. Run it again after a failure: it goes on where it stopped."""
    import asyncio
    import time

    from rich.console import Console
    from rich.progress import Progress

    from evals.capture_plan import Plan
    from evals.pieces import Pieces
    from tools.evidence import iso
    from triggers.capture_once import Backends, capture_once, moment_ms, read_payloads

    console = Console(stderr=True)
    with _usage_errors(), Progress(console=console) as bars:
        begun = Pieces.begun_until(out)
        end_ms = moment_ms(end, "--end") if end else begun or time.time_ns() // 1_000_000
        now_ms = moment_ms(now, "--now") if now else end_ms
        plan = Plan(
            id=out.resolve().name, start_ms=moment_ms(start, "--start"), end_ms=end_ms, now_ms=now_ms,
            question=question, metrics=tuple(metrics or ()), logs=tuple(logs or ()), max_bytes=max_mb * 2**20,
            payloads=read_payloads(alert or [], now_ms=now_ms))
        shown: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                shown[stage] = bars.add_task(stage, total=max(total, 1))
            bars.update(shown[stage], completed=done if total else 1)

        backends = Backends(prometheus, loki, docker, inventory, cluster)
        missing = asyncio.run(capture_once(plan, out, backends, on_progress=progress))
    for one in missing:
        console.print(f"not captured: {one['what']} ({one['why']})", markup=False, highlight=False)
    if as_json:
        typer.echo(json.dumps({"case": str(out), "start": iso(plan.start_ms), "end": iso(plan.end_ms),
                               "missing": list(missing)}, ensure_ascii=False))


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
