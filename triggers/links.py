"""Where a piece of evidence can be looked at again: URLs from the user's own templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from config.slack_settings import Links
from tools.evidence import parse_iso

MAX_URL = 2_000  # longer ones break in clients


class EvidenceLinks:
    """`of` gives a URL or ""."""

    def __init__(self, links: Links | None = None) -> None:
        self._links = links or Links()

    def of(self, evidence: Mapping[str, Any]) -> str:
        """The evidence's own link if it has one, else one by the source its question reads."""
        if evidence.get("link"):
            return str(evidence["link"])
        template = self._template(str(evidence.get("question", "")))
        if not template:
            return ""
        start, end = (parse_iso(str(t)) for t in evidence["window"])
        queries = (evidence.get("query") or {}).get("queries") or [""]
        found = _filled(template, {
            "query": str(queries[0]), "containers": "|".join(_containers(evidence)),
            "from_ms": str(start), "to_ms": str(end), "seconds": str(max(1, (end - start) // 1000)),
            "from": str(evidence["window"][0]), "to": str(evidence["window"][1]), "id": str(evidence.get("id", ""))})
        return found if len(found) <= MAX_URL else ""

    def incident(self, incident_id: str) -> str:
        """A page about the incident, or ""."""
        return _filled(self._links.incident, {"incident": incident_id}) if self._links.incident else ""

    def _template(self, question: str) -> str:
        if question.startswith("logs."):
            return self._links.loki
        return self._links.prometheus if question.startswith(("metrics.", "host.", "capacity.")) else ""


def _containers(evidence: Mapping[str, Any]) -> list[str]:
    named = (f.get("subject", {}).get("container", "") for f in evidence.get("findings", ()))
    return list(dict.fromkeys(n for n in named if n))[:10]


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", quote(value, safe=""))
    return template
