"""`culprit doctor`: every backend looked at, with the fix in a sentence. Reading only."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from config.database import Database
from config.errors import CulpritError
from config.migrations import migrate
from config.settings import Settings, unknown_variables
from tools.checkup.check import Check, Patient, State
from tools.checkup.docker import check_docker
from tools.checkup.loki import check_loki
from tools.checkup.others import check_alertmanager, check_redis, check_routing
from tools.checkup.prometheus import check_prometheus
from tools.live_world import live_worlds
from triggers.slack.checkup import check_slack

COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red", State.UNSET: "dim"}
PARTS = (check_prometheus, check_loki, check_docker, check_routing, check_alertmanager, check_redis)


async def examine(settings: Settings) -> tuple[Check, ...]:
    """All checks of Culprit itself and of every cluster. Raises ConfigError for settings that name no world."""
    own = [*_settings(settings), await asyncio.to_thread(_database, settings), _model(settings),
           *await check_slack(settings.slack)]
    if settings.world.case is not None:
        told = f"the case {settings.world.case.name}: nothing live is asked"
        return (*own, Patient("", "world").ok("recorded", told))
    worlds = live_worlds(settings.world)
    by_name = {s.cluster: s for s in settings.world.all_sources()}
    found = await asyncio.gather(*(part(by_name[name], world) for name, world in worlds.items() for part in PARTS))
    return (*own, *(check for checks in found for check in checks))


def show(checks: Sequence[Check], *, as_json: bool) -> int:
    """Prints a table or JSON; 1 when something failed."""
    if as_json:
        sys.stdout.write(json.dumps([asdict(c) for c in checks], ensure_ascii=False, indent=2) + "\n")
    else:
        Console().print(_table(checks))
    return int(any(c.state is State.FAIL for c in checks))


def _table(checks: Sequence[Check]) -> Table:
    clusters = len({c.cluster for c in checks if c.cluster}) > 1
    table = Table(*(["cluster"] if clusters else []), "backend", "what", "", "seen", "fix", show_lines=False)
    for c in checks:
        state = f"[{COLOURS[c.state]}]{c.state.value}[/]"
        cells = [_plain(c.backend), _plain(c.what), state, _plain(c.detail), _plain(c.fix)]
        table.add_row(*([_plain(c.cluster)] if clusters else []), *cells)
    return table


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _settings(settings: Settings) -> list[Check]:
    patient, checks = Patient("", "culprit"), []
    for name in unknown_variables():
        checks.append(patient.warn("settings", f"{name} is read by no setting", "Correct its spelling, or remove it."))
    if settings.world.inventory is None and settings.world.case is None:
        checks.append(patient.fail("inventory", "none: no roles, no work, no capacity",
                                   "Run `culprit inventory discover`, look it over, and set world.inventory."))
    if not settings.http.auth.configured:
        checks.append(patient.warn("credentials", f"the door on {settings.http.host} is open to this machine",
                                   "Set http.auth.token before others can reach it."))
    return checks or [patient.ok("settings", "read")]


def _database(settings: Settings) -> Check:
    patient = Patient("", "database")
    try:
        database = Database(settings.database)
        try:
            migrate(database)
        finally:
            database.close()
    except CulpritError as error:
        return patient.failed("reachable", error)
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return patient.ok("reachable", f"{kind}, schema up to date")


def _model(settings: Settings) -> Check:
    patient = Patient("", "model")
    if not settings.model.main:
        return patient.ok("analyst", "no model is configured: the built-in analyst reasons")
    return patient.ok("configured", f"{settings.model.main} (asked at the first investigation, not here)")
