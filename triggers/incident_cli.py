"""`culprit incident`: what was investigated, and what came out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from triggers.queue_cli import AsJson, ConfigFile, IncidentId, opened

app = typer.Typer(help="What was investigated, and what came out.", no_args_is_help=True)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Incidents, newest first."""
    with opened(config) as (store, _):
        found = store.incidents.list(limit=limit)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    for row in found:
        typer.echo(f"{row['id']}  {row['state']:<10} {row['severity']:<8} {row['signals']:>4} signals  {row['title']}")


@app.command()
def show(incident: IncidentId, lang: str = "en", as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The report of one incident, as it was published."""
    with opened(config) as (store, _):
        found = store.incidents.show(incident)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    if not found["diagnosis"]:
        typer.echo(f"{incident} is {found['state']}; there is no diagnosis yet")
        return
    from rich.console import Console

    from agent.diagnosis import Diagnosis
    from triggers.report import report

    Console().print(report(Diagnosis.model_validate(found["diagnosis"]), lang=lang))


@app.command()
def reinvestigate(incident: IncidentId, config: ConfigFile = None) -> None:
    """Investigate a finished, dead or cancelled incident again, from the start and as of now."""
    with opened(config) as (_, operations):
        operations.requeue(incident)
    typer.echo(f"{incident} is queued")


@app.command()
def snooze(
    incident: IncidentId,
    minutes: Annotated[float, typer.Option("--for", min=0, metavar="MINUTES", help="How long.")] = 60,
    config: ConfigFile = None,
) -> None:
    """Do not start investigating a waiting incident before that much time has passed."""
    with opened(config) as (_, operations):
        operations.snooze(incident, seconds=minutes * 60)
    typer.echo(f"{incident} is not investigated for {minutes:g} min")


@app.command()
def export(
    incident: IncidentId, lang: Annotated[str, typer.Option(help="en or ko")] = "en",
    out: Annotated[Path | None, typer.Option(help="Write to this file; default standard output.")] = None,
    config: ConfigFile = None,
) -> None:
    """The draft of a post-mortem in Markdown: timeline, evidence, cause, actions, open questions."""
    from triggers.audit import Audit
    from triggers.links import EvidenceLinks
    from triggers.post_mortem import PostMortems

    with opened(config) as (store, _):
        links = EvidenceLinks(store.settings.publish.links)
        drafts = PostMortems(incidents=store.incidents, ledger=store.ledger, audit=Audit(store.database), links=links)
        text = drafts.draft(incident, lang)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"written to {out}")
