"""One investigation from the command line: no queue, no store, the same graph.

A question in words is answered by the conversation; only one that wants to know what is wrong runs the graph.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.alert_payload import parse_payload
from agent.analyst import NAME as ANALYST
from agent.assemble import assemble
from agent.conversation import Answer
from agent.diagnosis import Diagnosis
from agent.incident import Incident, Severity, Signal
from agent.odds import Candidate
from config.errors import BadInput
from config.logging import configure_logging
from config.settings import Settings, load_settings
from evals.case import load_case, question_signal
from tools.evidence import Chart, Evidence, parse_iso
from triggers.ask_once import ask_once, print_answer
from triggers.report import ledger_of_odds, report, telling_charts
from triggers.worlds import announced_changes, configured_world


@dataclass
class Result:
    """The diagnosis, and the charts of its evidence by id; or the answer to a question in words, and no diagnosis."""

    diagnosis: Diagnosis | None
    lang: str
    charts: list[tuple[str, Chart]] = field(default_factory=list)
    odds: tuple[Candidate, ...] = ()
    answer: Answer | None = None


async def investigate_once(
    *, case: Path | None, alert: Path | None, ask: str, at: str, model: str, lang: str
) -> Result:
    """Exactly one of `case`, `alert` and `ask` starts it; alert and ask may be put to a case's world."""
    settings = load_settings()
    configure_logging(settings.log.model_copy(update={"level": "warning", "format": "console"}))
    now = _moment(at) if at else (load_case(case).now_ms if case else round(time.time() * 1000))
    incident = _incident(case, alert, ask, now, lang or settings.language)
    charts: list[tuple[str, Chart]] = []
    odds: list[Candidate] = []

    def collect(event: dict[str, Any]) -> None:
        evidence = event.get("evidence")
        if isinstance(evidence, Evidence):
            charts.extend((evidence.id, c) for c in evidence.charts)
        odds[:] = event.get("candidates", odds)

    chosen = lang or settings.language
    with announced_changes(settings, case=case) as database:
        world = configured_world(settings.world, case=case, database=database)
        investigation = assemble(world, model=_model(settings, model), lang=chosen)
        if ask:
            answer = await ask_once(investigation, ask, at_ms=now, lang=lang)
            if not answer.wants_investigation:
                return Result(None, answer.lang, answer=answer)
        diagnosis = await investigation.investigate(incident, run_id=incident.id, asked_at_ms=now, on_event=collect)
    return Result(diagnosis, chosen, charts, tuple(odds))


def _model(settings: Settings, name: str) -> Any:
    if name == ANALYST or not (name or settings.model.main):
        return None
    return settings.model.model_copy(update={"main": name}) if name else settings.model


def _moment(text: str) -> int:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise BadInput(f"--at {text!r} is not an ISO 8601 time") from error


def _incident(case: Path | None, alert: Path | None, ask: str, now: int, lang: str) -> Incident:
    if ask and alert:
        raise BadInput("give one of --alert and --ask")
    if ask:
        return _of((question_signal(ask, at_ms=now, lang=lang),), now)
    if alert is not None:
        return _of(_read_alert(alert, now), now)
    if case is None:
        raise BadInput("give --case DIR, --alert FILE or --ask TEXT")
    return load_case(case).incident()


def _of(signals: tuple[Signal, ...], now: int) -> Incident:
    severity = min((s.severity for s in signals), key=lambda s: s.rank, default=Severity.INFO)
    return Incident(f"once-{signals[0].fingerprint}-{now}", signals[0].fingerprint, signals, severity, now)


def _read_alert(path: Path, now: int) -> tuple[Signal, ...]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        payload = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read as JSON: {error}") from error
    signals = parse_payload(payload, received_ms=now).signals
    if not signals:
        raise BadInput(f"{path}: the payload holds no alerts")
    return tuple(signals)


def print_diagnosis(result: Result, *, as_json: bool, explain: bool) -> None:
    """JSON on standard output, or the report; `explain` adds the ledger of odds on standard error."""
    if result.answer is not None:
        return print_answer(result.answer, as_json=as_json)
    if result.diagnosis is None:
        return
    if explain:
        Console(stderr=True).print(ledger_of_odds(result.odds))
    if as_json:
        sys.stdout.write(result.diagnosis.model_dump_json(indent=2) + "\n")
        return
    charts = telling_charts(result.charts, result.diagnosis)
    Console().print(report(result.diagnosis, charts=charts, lang=result.lang))
