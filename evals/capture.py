"""Live sources -> a case folder: raw samples, every log line, what Docker and the proxy say, in a scope and a window.

Bounded in bytes, resumable (`pieces.py`), redacted before anything is written. What was left out, and why, stands under
`missing` in snapshot.yaml; where a bound cut something off, `scope` says what was kept: the rest is not_captured.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from config.errors import BadInput, CulpritError
from config.redact import Redactor
from evals.capture_plan import Plan
from evals.case import CASE
from evals.case_files import map_text, render
from evals.observations import alerts, changes, containers, moments, peers, queues, routing
from evals.pieces import Pieces
from evals.telemetry import Kept, capture_logs, capture_metrics
from tools.evidence import iso
from tools.recorded.snapshot import FILES, INVENTORY, MODALITIES, Modality
from tools.recorded.snapshot import NAME as SNAPSHOT
from tools.sources.raw_samples import RawSamples, ServerFacts
from tools.world import World

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
NOT_CONFIGURED = "no such source was configured"
OBSERVED: Mapping[Modality, Callable[..., Awaitable[Json]]] = {
    "containers": containers, "routing": routing, "peers": peers, "queues": queues, "alerts": alerts,
}
PRESENT_ONLY = ("containers", "routing", "peers", "alerts")


async def capture(world: World, plan: Plan, folder: Path, *, samples: RawSamples | None, redactor: Redactor,
                  present_ms: int, on_progress: Progress = lambda stage, done, total: None) -> tuple[Json, ...]:
    """Write the case; run again after a failure, it goes on. Returns what is missing. Raises BadInput where the folder
    holds a case, SourceUnavailable or SourceRefused where metrics or logs cannot be read.
    """
    if (folder / SNAPSHOT).exists():
        raise BadInput(f"{folder.name}: holds a case already")
    pieces = Pieces(folder, plan.digest, plan.end_ms)
    for text in pieces.texts():
        redactor.redact(text)
    facts = await samples.facts() if samples else ServerFacts(guessed=("version and flags",))
    metrics = await capture_metrics(samples, plan, facts, pieces, redactor, folder, on_progress) if samples else None
    logs = await capture_logs(world, plan, pieces, redactor, folder, on_progress) if world.logs else None
    documents, missing = await _documents(world, plan, present_ms, on_progress)
    if plan.payloads or "alerts" in documents:
        documents["alerts"] = _with_payloads(documents.get("alerts"), plan)
    there = {*documents, *(["metrics"] if metrics else []), *(["logs"] if logs else [])}
    captured = [name for name in MODALITIES if name in there]
    missing += _left_out("metrics", metrics) + _left_out("logs", logs) + _doubts(facts, pieces.note("remote read", ""))
    missing = [m for m in missing if m["what"] not in captured]
    for name, document in documents.items():
        _write(folder / FILES[name], document, redactor)
    inventory = world.inventory.model_dump(mode="json", exclude_defaults=True)
    _write(folder / INVENTORY, {"version": 1, **inventory}, redactor)
    _write(folder / CASE, _case(plan), redactor)
    _write(folder / SNAPSHOT, _manifest(world, plan, facts, captured, missing, metrics, logs), redactor)
    pieces.remove()
    return tuple(missing)


def _write(path: Path, content: Any, redactor: Redactor) -> None:
    path.write_text(render(path.name, map_text(content, redactor.redact)), encoding="utf-8")


async def _documents(
    world: World, plan: Plan, present_ms: int, on_progress: Progress
) -> tuple[dict[Modality, Any], list[Json]]:
    """Everything but metrics and logs; a source that fails is missing with its reason."""
    found: dict[Modality, Any] = {}
    missing: list[Json] = []
    end = min(plan.end_ms, present_ms)
    when = moments(world, plan.start_ms, end, present_ms)
    names: list[Modality] = [*OBSERVED, "changes"]
    for done, name in enumerate(names):
        on_progress(name, done, len(names))
        if getattr(world, name) is None:
            missing.append({"what": name, "why": NOT_CONFIGURED})
            continue
        start = max(plan.start_ms, world.earliest_ms or 0)
        try:
            found[name] = await (changes(world, start, end) if name == "changes"
                                 else OBSERVED[name](world, when, start, end))
        except CulpritError as error:
            missing.append({"what": name, "why": str(error)})
        else:
            if not when and name in PRESENT_ONLY:
                missing.append({"what": f"{name} as they were", "why": "a live source tells only its present, "
                                "which lies outside the window"})
    on_progress("changes", len(names), len(names))
    return found, missing


def _with_payloads(states: Json | None, plan: Plan) -> Json:
    arrived = sorted(plan.payloads, key=lambda one: one[0])
    received = [{"received": iso(ms), "payload": dict(payload)} for ms, payload in arrived]
    return {"payloads": received, "states": (states or {}).get("states", [])}


def _left_out(what: str, kept: Kept | None) -> list[Json]:
    if kept is None:
        return [{"what": what, "why": NOT_CONFIGURED}]
    found: list[Json] = []
    if kept.left_out:
        why = f"the limit of bytes was reached ({kept.bytes} written)"
        found.append({"what": f"part of {what}: {_some(kept.left_out)}", "why": why})
    if kept.histograms:
        why = "a recording holds float samples only"
        found.append({"what": f"native histograms of {_some(kept.histograms)}", "why": why})
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _doubts(facts: ServerFacts, refused: str) -> list[Json]:
    doubts: list[Json] = []
    if refused:
        doubts.append({"what": "stale markers", "why": f"inferred one interval after a series ends: {refused}"})
    if facts.guessed:
        doubts.append({"what": f"the server's {', '.join(facts.guessed)}", "why": "not told; defaults are assumed"})
    return doubts


def _case(plan: Plan) -> Json:
    signals: list[Json] = [{"kind": "alertmanager", "payload": index} for index in range(len(plan.payloads))]
    if plan.question or not signals:
        text = plan.question or {"ko": "무슨 일이 있었나요?"}.get(plan.lang, "What happened?")
        signals.append({"kind": "question", "at": iso(plan.now_ms), "text": text, "lang": plan.lang})
    return {"format": 1, "title": {plan.lang: plan.title or plan.id}, "signals": signals,
            "origin": {"kind": "recorded", "notes": "captured from live sources"}, "licence": "private",
            "tags": ["captured"], "recording": plan.id}


def _manifest(world: World, plan: Plan, facts: ServerFacts, captured: Sequence[str], missing: list[Json],
              metrics: Kept | None, logs: Kept | None) -> Json:
    return {
        "format": 1, "id": plan.id, "cluster": world.cluster,
        "window": {"start": iso(plan.start_ms), "end": iso(plan.end_ms)}, "now": iso(plan.now_ms),
        "server": {"prometheus": facts.version, "scrape_interval_s": facts.scrape_interval_s,
                   "lookback_s": facts.lookback_s, "default_subquery_step_s": facts.evaluation_interval_s},
        "captured": list(captured),
        "scope": {"metrics": list(metrics.scope) if metrics else [], "logs": list(logs.scope) if logs else []},
        "missing": missing, "neighbours": 0,
    }
