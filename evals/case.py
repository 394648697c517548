"""A case: a snapshot, the signals that started its investigation, and a label that only scorers may read.

`load_case` never opens label.yaml and `load_label` is called by scorers alone, so that no truth leaks into a run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter

from agent.alert_payload import parse_payload
from agent.incident import Incident, Severity, Signal, SignalKind
from config.errors import BadInput, BadSnapshot
from tools.recorded.alerts import AlertsFile, read_alerts
from tools.recorded.fields import Count, Identifier, Moment, Name, Part, Text
from tools.recorded.files import locate, parse_json, read_document
from tools.recorded.snapshot import NAME as SNAPSHOT
from tools.recorded.snapshot import Snapshot, check_format, read_snapshot
from tools.recorded.yaml_text import MAX_BYTES, parse_yaml

CASE = "case.yaml"
LABEL = "label.yaml"
BUNDLED = Path(__file__).parent / "cases"

Parsed = TypeVar("Parsed")


class AlertmanagerSignal(Part):
    """One recorded webhook call, by its index in alerts.json."""

    kind: Literal["alertmanager"]
    payload: Count


class QuestionSignal(Part):
    """What a person asked, where no rule fired."""

    kind: Literal["question"]
    at: Moment
    text: Name
    lang: Literal["en", "ko"] = "en"


class AnomalySignal(Part):
    """What a watcher saw: `at` when it said so, `starts` when it thinks it began."""

    kind: Literal["anomaly"]
    at: Moment
    starts: Moment
    title: Name
    text: Text = ""
    severity: Literal["critical", "warning", "info"] = "info"
    labels: dict[Name, Text] = Field(default_factory=dict)


AnySignal = Annotated[AlertmanagerSignal | QuestionSignal | AnomalySignal, Field(discriminator="kind")]


class Origin(Part):
    """Where the case came from. `from` is the case an edited one was made of, `edits` what was done, in order."""

    kind: Literal["recorded", "edited", "harvested", "converted", "synthetic"]
    campaign: Text = ""
    source: Text = Field(default="", alias="from")
    edits: tuple[Text, ...] = ()
    notes: Text = ""


class CaseFile(Part):
    """case.yaml."""

    format: Literal[1]
    title: dict[Literal["en", "ko"], Text] = Field(min_length=1)
    signals: tuple[AnySignal, ...] = Field(min_length=1, max_length=1_000)
    origin: Origin
    licence: Name
    tags: tuple[Name, ...] = ()
    recording: Identifier


_CASE = TypeAdapter(CaseFile)


@dataclass(frozen=True)
class Case:
    """What an investigation may see. `recording` groups cases cut or edited from one recording."""

    folder: Path
    id: str
    title: Mapping[str, str]
    signals: tuple[Signal, ...]
    origin: Origin
    recording: str
    tags: tuple[str, ...]
    licence: str
    now_ms: int

    def incident(self) -> Incident:
        """All signals as one incident, opened at the case's `now`."""
        first = min(self.signals, key=lambda s: (s.starts_ms, s.fingerprint))
        severity = min((s.severity for s in self.signals), key=lambda s: s.rank)
        return Incident(id=f"case-{self.id}", fingerprint=first.fingerprint, signals=self.signals, severity=severity,
                        opened_ms=self.now_ms)


def load_case(folder: Path) -> Case:
    """Read everything but the label. Raises BadSnapshot."""
    snapshot = read_snapshot(folder)
    file = read_case_file(folder)
    path = snapshot.path("alerts")
    alerts = None if path is None else read_alerts(path)
    return Case(
        folder=folder, id=snapshot.manifest.id, title={str(k): v for k, v in file.title.items()},
        signals=_signals(file, alerts), origin=file.origin, recording=file.recording, tags=file.tags,
        licence=file.licence, now_ms=snapshot.now_ms,
    )


def read_case_file(folder: Path) -> CaseFile:
    """case.yaml, validated. Raises BadSnapshot."""
    return read_yaml_file(folder, CASE, _CASE)


def read_yaml_file(folder: Path, name: str, adapter: TypeAdapter[Parsed]) -> Parsed:
    """A versioned YAML file of the folder, validated. Raises BadSnapshot."""
    path = locate(folder, name)
    if path is None:
        raise BadSnapshot(f"{name}: not there")
    data = parse_yaml(read_document(path, limit=MAX_BYTES), name)
    if not isinstance(data, dict):
        raise BadSnapshot(f"{name}: must be a mapping that starts with format: 1")
    check_format(data.get("format"), name)
    return parse_json(json.dumps(data, default=str).encode(), adapter, name)


def _signals(file: CaseFile, alerts: AlertsFile | None) -> tuple[Signal, ...]:
    found: list[Signal] = []
    for index, signal in enumerate(file.signals):
        found += _read_signal(signal, alerts, f"{CASE}: signals.{index}")
    return tuple(found)


def _read_signal(signal: AlertmanagerSignal | QuestionSignal | AnomalySignal, alerts: AlertsFile | None,
                 where: str) -> tuple[Signal, ...]:
    if isinstance(signal, QuestionSignal):
        return (question_signal(signal.text, at_ms=signal.at, lang=signal.lang),)
    if isinstance(signal, AnomalySignal):
        return (Signal(SignalKind.ANOMALY, _digest(signal.title, *sorted(signal.labels.items())), signal.at,
                       signal.starts, signal.title, Severity(signal.severity), text=signal.text, labels=signal.labels),)
    if alerts is None or signal.payload >= len(alerts.payloads):
        raise BadSnapshot(f"{where}: alerts.json has no payload {signal.payload}")
    record = alerts.payloads[signal.payload]
    try:
        return parse_payload(record.payload, received_ms=record.received).signals
    except BadInput as error:
        raise BadSnapshot(f"alerts.json: payloads.{signal.payload}: {error}") from error


def question_signal(text: str, *, at_ms: int, lang: str = "en") -> Signal:
    """A person's question as a signal: it says nothing of when anything began, so it starts when it was asked."""
    return Signal(SignalKind.QUESTION, _digest(text), at_ms, at_ms, text[:300], text=text, lang=lang)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


def payload_of(folder: Path, index: int = 0) -> dict[str, Any] | None:
    """A recorded webhook body as it was received, to post again; None where no rule fired."""
    snapshot: Snapshot = read_snapshot(folder)
    path = snapshot.path("alerts")
    payloads = () if path is None else read_alerts(path).payloads
    return payloads[index].payload if index < len(payloads) else None


def bundled_demo() -> Path:
    """The bundled case the demo shows: the first one that began with a recorded alert. Raises BadSnapshot."""
    folders = find_cases(BUNDLED)
    found = next((f for f in folders if payload_of(f) is not None), None)
    if found is None:
        raise BadSnapshot("cases: none of the bundled cases has a recorded alert")
    return found


def find_cases(root: Path) -> tuple[Path, ...]:
    """Case folders in a folder, by name; the folder itself when it is one. Raises BadSnapshot where there is none."""
    if (root / SNAPSHOT).exists():
        return (root,)
    found = tuple(sorted(p.parent for p in root.glob(f"*/{SNAPSHOT}"))) if root.is_dir() else ()
    if not found:
        raise BadSnapshot(f"{root.name}: no case folder there")
    return found
