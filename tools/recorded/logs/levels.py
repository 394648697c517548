"""The two names Loki 3 adds by itself: `service_name` to a stream and `detected_level` to a line.

A recorded stand-in for such a server adds them too; a case captured from one carries them already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.recorded.logs.json_fields import NotJson, json_fields
from tools.recorded.logs.logfmt_fields import logfmt_fields

DETECTED_LEVEL = "detected_level"
SERVICE_NAME = "service_name"
UNKNOWN_SERVICE = "unknown_service"

_SERVICE_LABELS = (
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
)
_LEVEL_FIELDS = ("level", "LEVEL", "Level", "severity", "SEVERITY", "Severity", "lvl", "LVL", "Lvl", "severity_text")
_SPELLINGS = {
    "trace": "trace",
    "trc": "trace",
    "debug": "debug",
    "dbg": "debug",
    "info": "info",
    "inf": "info",
    "information": "info",
    "warn": "warn",
    "wrn": "warn",
    "warning": "warn",
    "error": "error",
    "err": "error",
    "critical": "critical",
    "fatal": "fatal",
}
_WORDS = ("info", "error", "warn", "critical", "debug")  # in the order they are looked for


def with_service_name(labels: Mapping[str, str]) -> dict[str, str]:
    """Stream labels with `service_name`, taken from the first label that usually names a service."""
    if SERVICE_NAME in labels:
        return dict(labels)
    named = next((labels[name] for name in _SERVICE_LABELS if labels.get(name)), UNKNOWN_SERVICE)
    return {**labels, SERVICE_NAME: named}


def detected_level(line: str, labels: Mapping[str, str]) -> str:
    """The level a line states: by label, by field of a JSON or logfmt line, else by the word it contains."""
    for name in _LEVEL_FIELDS:
        if labels.get(name):
            return _SPELLINGS.get(labels[name].lower(), labels[name])
    for name, value in _fields(line):
        if name in _LEVEL_FIELDS and value.lower() in _SPELLINGS:
            return _SPELLINGS[value.lower()]
    return _level_in_text(line)


def _fields(line: str) -> Iterator[tuple[str, str]]:
    stripped = line.strip()
    if stripped.startswith("{") and stripped.endswith("}"):
        try:
            yield from json_fields(stripped)
        except NotJson:
            return
    elif "=" in line:
        yield from logfmt_fields(line)


def _level_in_text(line: str) -> str:
    for word in _WORDS:
        if word in line or word.upper() in line:
            return word
    return "unknown"
