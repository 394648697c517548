"""`culprit anomalies`: watch, backtest, list, and tell a detector that it was wrong."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from config.settings import Settings
    from evals.anomaly_replay import Replay

app = typer.Typer(name="anomalies", help="See it before the alert: detectors over logs and metrics.",
                  no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file.", show_default=False)]


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Poll once and print; else until interrupted.")] = False,
    as_json: AsJson = False, config: ConfigFile = None,
) -> None:
    """Watch in the foreground. Workers do the same where `anomalies.enabled` is set; leases keep it to one."""
    from config.errors import CulpritError
    from triggers.anomalies.assemble import run_watch

    try:
        sent, looked = asyncio.run(run_watch(_settings(config), once=once))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps({"signals": [s.as_dict() for s in sent], "looked": looked}, ensure_ascii=False))
        return
    for signal in sent:
        typer.echo(f"{signal.status:<8} {signal.severity:<8} {signal.text}")
    for name, facts in looked.items():
        typer.echo(f"{name}: {facts['series']} series; this poll asked {facts['metric_queries']} metric and "
                   f"{facts['log_queries']} log queries")
        for unread in facts["unread"]:
            typer.echo(f"{name}: not read: {unread}")


@app.command()
def backtest(
    source: Annotated[str, typer.Argument(help="A case folder, a CSV (timestamp,value[,label]), or generated:SEED.")],
    png: Annotated[Path | None, typer.Option(help="Draw signal, expected band and alarms.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=3, help="Days to generate.")] = 14,
    each: Annotated[int, typer.Option(min=1, help="Injections of each kind to generate.")] = 6,
    interval: Annotated[float, typer.Option(min=1, help="Seconds between polls of a case.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Replay the detectors and score them, beside a tuned static threshold and a plain three-sigma rule."""
    from config.errors import CulpritError
    from triggers.anomalies.backtest import run_backtest

    try:
        replay = run_backtest(source, days=days, each=each, interval_ms=int(interval * 1000))
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(_figures(replay), ensure_ascii=False))
    else:
        _show(replay)
    if png is not None:
        from evals.anomaly_plot import draw

        draw(replay, png)


def _figures(replay: Replay) -> dict[str, object]:
    methods = {name: {"events": s.events, "precision": s.precision, "recall": s.recall, "f1": s.f1,
                      "median_delay_intervals": s.delay if s.delays else None, "false_alarms_per_day": s.false_per_day,
                      "by_kind": s.by_kind} for name, s in replay.rows}
    alarms = [{"interval": at, "at_ms": a.at_ms, "since_ms": a.since_ms, "key": a.key, "severity": a.urgency,
               "score": a.score, "says": a.says} for at, a in replay.alarms]
    return {"methods": methods, "alarms": alarms}


def _show(replay: Replay) -> None:
    from evals.anomaly_replay import table

    typer.echo(table(replay.rows))
    caught = ", ".join(f"{kind} {hit}/{whole}" for kind, (hit, whole) in sorted(replay.rows[0][1].by_kind.items()))
    typer.echo(f"\ncaught: {caught or 'nothing was labelled'}")
    for _, alarm in replay.alarms[:40]:
        moment = datetime.fromtimestamp(alarm.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        typer.echo(f"{moment}  {alarm.urgency:<8} {alarm.says}")
    if len(replay.alarms) > 40:
        typer.echo(f"and {len(replay.alarms) - 40} alarms more (--json prints all)")


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """What is going on now by each watch, what its last poll cost, and which detectors were adapted."""
    from config.errors import CulpritError
    from triggers.anomalies.assemble import overview
    from triggers.wiring import build_store

    try:
        with closing(build_store(_settings(config))) as store:
            found = overview(store)
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, facts in found["watches"].items():
        typer.echo(f"{name}: {facts['series']} series, {facts['metric_queries']} metric and {facts['log_queries']} log "
                   "queries a poll")
        for row in facts["active"]:
            typer.echo(f"  {row['key']}\n    {row['says']}")
    for row in found["adapted"]:
        typer.echo(f"adapted: {row['key']}: limit x {row['factor']:g} after {row['times']} by {row['author']}")
    if not found["watches"]:
        typer.echo("no watch has polled yet (set anomalies.enabled, or run culprit anomalies watch)")


@app.command()
def adapt(
    key: Annotated[str, typer.Argument(help="The anomaly's key, from `culprit anomalies list` or a signal's payload.")],
    not_an_anomaly: Annotated[bool, typer.Option("--not-an-anomaly", help="Ask for more next time.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Forget the feedback about it.")] = False,
    author: Annotated[str, typer.Option(help="Who says so.")] = "command line", config: ConfigFile = None,
) -> None:
    """Feedback to one detector about one subject: bounded, listed, reversible."""
    from config.errors import CulpritError
    from triggers.anomalies.store import WatchStore
    from triggers.wiring import build_store

    if not_an_anomaly == undo:
        typer.echo("culprit: say either --not-an-anomaly or --undo", err=True)
        raise typer.Exit(2)
    try:
        with closing(build_store(_settings(config))) as store:
            kept = WatchStore(database=store.database)
            if undo:
                kept.undo(key)
                typer.echo(f"{key}: as before any feedback")
            else:
                made = kept.adapt(key, author=author)
                typer.echo(f"{key}: limit x {made.factor:g} after {made.times} of such feedback")
    except CulpritError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error


def _settings(config: Path | None) -> Settings:
    from config.errors import ConfigError
    from config.settings import load_settings

    try:
        return load_settings(config)
    except ConfigError as error:
        typer.echo(f"culprit: {error}", err=True)
        raise typer.Exit(2) from error
