"""`culprit demo`: the whole main job on a bundled recorded incident, over real HTTP on loopback. No key, no network.

The recorded Alertmanager payload is posted to a server of our own, committed to a queue of our own, claimed by a worker
and investigated in the recorded world; everything lives in a temporary folder.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from agent.assemble import assemble
from agent.checkpoints import sqlite_checkpoints
from agent.diagnosis import Diagnosis
from agent.investigate import Investigation
from config.errors import BadInput, SourceUnavailable
from config.logging import configure_logging
from config.settings import Auth, Correlation, Http, Log, Publish, Settings
from evals.case import Case, load_case, payload_of
from tools.evidence import Chart, Evidence
from tools.recorded.world import open_world
from triggers.claims import Claim
from triggers.report import report, telling_charts
from triggers.wiring import Store, build_app, build_store, build_worker

SECONDS = 60.0
TOKEN = "demo"  # the server is on loopback for a few seconds; the token shows how the door is locked


@dataclass
class Shown:
    """What the demo saw pass by."""

    console: Console
    charts: list[tuple[str, Chart]] = field(default_factory=list)

    def event(self, _claim: Claim, event: dict[str, Any]) -> None:
        """One line a question, as it is answered."""
        evidence = event.get("evidence")
        if isinstance(evidence, Evidence):
            self.charts += [(evidence.id, c) for c in evidence.charts]
            line = Text(f"  {evidence.id:>4} ", style="bold cyan")
            line.append(f"{evidence.question:<18} ", style="default not bold")
            line.append(evidence.text[:160], style="dim not bold")
            self.console.print(line, soft_wrap=True)


@dataclass(frozen=True)
class Demo:
    """The diagnosis and the charts that go with it."""

    diagnosis: Diagnosis
    charts: tuple[Chart, ...]


async def run_demo(folder: Path, *, lang: str, console: Console) -> Demo:
    """Raises BadInput for a case without a recorded payload, SourceUnavailable when it does not end in time."""
    case, payload = load_case(folder), payload_of(folder)
    if payload is None:
        raise BadInput(f"{folder.name} has no recorded alert; try: culprit investigate --case {folder}")
    shown = Shown(console)
    with tempfile.TemporaryDirectory(prefix="culprit-demo-") as data:
        settings = _settings(Path(data), lang)
        configure_logging(settings.log)
        store = build_store(settings, publishers=())
        try:
            async with serving(store) as url:
                console.print(f"[bold]POST {url}/webhooks/alertmanager[/bold]  [dim]recorded at {case.id}[/dim]")
                await post(url, payload)
                diagnosis = await _work(store, case, url, lang, shown)
        finally:
            store.close()
    return Demo(diagnosis, telling_charts(shown.charts, diagnosis))


def _settings(data: Path, lang: str) -> Settings:
    return Settings(
        data_dir=data, language="ko" if lang == "ko" else "en", log=Log(level="error", format="console"),
        http=Http(port=0, auth=Auth(token=SecretStr(TOKEN))), publish=Publish(console=False),
        correlation=Correlation(group_wait_seconds=0.0),
    )


@asynccontextmanager
async def serving(store: Store) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_app(store), log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def post(url: str, payload: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10) as client:
        answer = await client.post("/webhooks/alertmanager", json=payload)
        if answer.status_code >= 300:
            raise SourceUnavailable(f"the door answered {answer.status_code}: {answer.text[:200]}")


async def _work(store: Store, case: Case, url: str, lang: str, shown: Shown) -> Diagnosis:
    """One worker until the incident is diagnosed; then its diagnosis as the HTTP interface gives it."""
    investigation = assemble(
        open_world(case.folder), lang=lang, keep=store.ledger.save_evidence,
        checkpoints=sqlite_checkpoints(Path(store.settings.checkpoints)),
    )
    return await investigated(store, case, url, investigation, on_event=shown.event)


async def investigated(
    store: Store, case: Case, url: str, investigation: Investigation, *,
    on_event: Callable[[Claim, dict[str, Any]], None] | None = None, already: frozenset[str] = frozenset(),
) -> Diagnosis:
    """One worker until an incident beside those `already` known is diagnosed, at the case's own moment."""
    worker = build_worker(store, investigation, asked_at=lambda _incident, _now: case.now_ms, on_event=on_event)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        return await asyncio.wait_for(_diagnosis(url, already), SECONDS)
    except TimeoutError as error:
        raise SourceUnavailable(f"no diagnosis within {SECONDS:g} s") from error
    finally:
        stop.set()
        await running


async def _diagnosis(url: str, already: frozenset[str]) -> Diagnosis:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10) as client:
        while True:
            for row in (await client.get("/incidents")).json()["incidents"]:
                if row["id"] in already:
                    continue
                whole = (await client.get(f"/incidents/{row['id']}")).json()
                if whole.get("diagnosis"):
                    return Diagnosis.model_validate(whole["diagnosis"])
            await asyncio.sleep(0.1)


def show(demo: Demo, folder: Path, *, lang: str, console: Console) -> None:
    """The report, then what to try next."""
    console.print(report(demo.diagnosis, charts=demo.charts, lang=lang))
    console.print(f"""
[bold]Try next[/bold]
  culprit demo --lang ko
  culprit investigate --case {folder} --json
  culprit case list
  culprit case query {folder} 'topk(5, rate(container_cpu_usage_seconds_total[1m]))'
  culprit eval run evals/cases""", highlight=False)
