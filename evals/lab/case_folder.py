"""Writes what was recorded as a case folder (docs/case-format.md)."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from evals.lab.inventory_file import render_inventory
from evals.lab.moments import iso
from evals.lab.monitoring import SCRAPE_S, fetch_json
from evals.lab.recorder import Recorder, as_json
from tools.recorded.logs.store import LogStream
from tools.recorded.logs_file import write_logs
from tools.recorded.metrics_file import write_metrics
from tools.sources.logs import LabelMatcher
from tools.sources.remote_read import RawSeries, RemoteRead

UNWATCHED = "users, the provider and the synthetic prober stand for what is outside: not watched as containers, no logs"


@dataclass(frozen=True)
class Marks:
    """The moments of one recording, Unix milliseconds; `payload` indexes the delivery that is the signal, if one is."""

    start_ms: int
    onset_ms: int
    now_ms: int
    end_ms: int
    payload: int | None
    neighbours: int
    campaign: str


def write_case(recorder: Recorder, marks: Marks, folder: Path) -> None:
    """Writes every file. The folder must not hold another case."""
    folder.mkdir(parents=True, exist_ok=True)
    lab = recorder.lab
    captured = ["metrics", "logs", "containers", "routing", "alerts", "peers", "changes"]
    missing = [{"what": UNWATCHED.split(":")[0], "why": UNWATCHED.split(": ")[1]}]
    series = asyncio.run(_read_all(lab.monitoring.prometheus_url, marks))
    write_metrics(folder / "metrics.jsonl.gz", ((s.labels, s.ms, s.values) for s in series if len(s.ms)))
    _write_logs(folder, recorder, marks)
    events = sorted(recorder.events, key=lambda event: str(event["at"]))
    containers = {"observations": _inside(recorder.containers, marks), "events": _inside(events, marks)}
    _write_gz(folder / "containers.json.gz", as_json(containers))
    _write_gz(folder / "routing.json.gz", as_json({"observations": _inside(recorder.routing, marks)}))
    _write_text(folder / "peers.json", as_json({"observations": _inside(recorder.peers, marks)}) + "\n")
    _write_text(folder / "alerts.json", as_json(_alerts(recorder, marks)) + "\n")
    if recorder.queues:
        captured.append("queues")
        _write_gz(folder / "queues.json.gz", as_json({"states": _inside(recorder.queues, marks)}))
    else:
        missing.append({"what": "queues", "why": "the base set-up has no access to Redis"})
    changes = _inside(recorder.changes(), marks)
    _write_text(folder / "changes.jsonl", "".join(as_json(change) + "\n" for change in changes))
    _write_text(folder / "inventory.yaml", render_inventory(lab.names, lab.tuning))
    _write_yaml(folder / "snapshot.yaml", _snapshot(recorder, marks, captured, missing))
    _write_yaml(folder / "case.yaml", _case(recorder, marks))
    _write_yaml(folder / "label.yaml", _label(recorder, marks))


def _inside(records: list[dict[str, Any]], marks: Marks) -> list[dict[str, Any]]:
    """Records whose `at` lies in the window; the texts are all of one form, so they order as the times do."""
    return [record for record in records if iso(marks.start_ms) <= record["at"] <= iso(marks.end_ms)]


async def _read_all(url: str, marks: Marks) -> tuple[RawSeries, ...]:
    everything = [LabelMatcher("__name__", "=~", ".+")]
    return await RemoteRead(url=url).read(everything, start_ms=marks.start_ms, end_ms=marks.end_ms)


def _write_logs(folder: Path, recorder: Recorder, marks: Marks) -> None:
    streams = []
    host = recorder.lab.names.host
    for name, service, stream, entries in recorder.logs.streams(
        start_ns=marks.start_ms * 10**6, end_ns=marks.end_ms * 10**6
    ):
        labels = {"container": name, "service": service, "host": host, "env": "prod"}
        if stream == "stderr":
            labels["stream"] = "stderr"
        streams.append(
            LogStream(labels, np.array([ns for ns, _ in entries], dtype=np.int64), [line for _, line in entries], None)
        )
    write_logs(folder / "logs.jsonl.gz", streams)


def _alerts(recorder: Recorder, marks: Marks) -> dict[str, Any]:
    deliveries = [d for d in recorder.lab.receiver.deliveries() if marks.start_ms <= d.received_ms <= marks.end_ms]
    states = _inside(recorder.alert_states, marks)
    ever = deliveries or any(s["alerts"] for s in states)
    return {"payloads": [d.as_record() for d in deliveries], "states": states if ever else []}


def _snapshot(recorder: Recorder, marks: Marks, captured: list[str], missing: list[dict[str, str]]) -> dict[str, Any]:
    version = fetch_json(f"{recorder.lab.monitoring.prometheus_url}/api/v1/status/buildinfo")["data"]["version"]
    return {
        "format": 1,
        "id": recorder.lab.scenario.id,
        "cluster": recorder.lab.names.cluster,
        "window": {"start": iso(marks.start_ms), "end": iso(marks.end_ms)},
        "now": iso(marks.now_ms),
        "server": {
            "prometheus": str(version).split("+")[0],
            "scrape_interval_s": SCRAPE_S,
            "lookback_s": 300,
            "default_subquery_step_s": SCRAPE_S,
        },
        "captured": captured,
        "scope": {"metrics": [], "logs": []},
        "missing": missing,
        "neighbours": marks.neighbours,
    }


def _case(recorder: Recorder, marks: Marks) -> dict[str, Any]:
    scenario = recorder.lab.scenario
    if marks.payload is not None:
        signal: dict[str, Any] = {"kind": "alertmanager", "payload": marks.payload}
    else:
        asked = scenario.asked
        signal = {
            "kind": "question",
            "at": iso(marks.now_ms),
            "text": asked.text if asked else "",
            "lang": asked.lang if asked else "en",
        }
    origin = {"kind": "recorded", "campaign": marks.campaign, "notes": scenario.notes}
    return {
        "format": 1,
        "title": dict(scenario.title),
        "signals": [signal],
        "origin": origin,
        "licence": "Apache-2.0",
        "tags": ["lab"],
        "recording": scenario.id,
    }


def _label(recorder: Recorder, marks: Marks) -> dict[str, Any]:
    scenario = recorder.lab.scenario
    onset = iso(marks.onset_ms) if scenario.verdict != "no_fault" else None
    return {
        "format": 1,
        "family": scenario.family,
        "verdict": scenario.verdict,
        "onset": onset,
        **scenario.label(scenario),
    }


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_yaml(path: Path, document: dict[str, Any]) -> None:
    _write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def _write_gz(path: Path, text: str) -> None:
    with path.open("wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.write(text.encode())
