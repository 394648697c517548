"""Which channel an incident is told in, and in which language: the first route that matches, else the default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from agent.incident import Incident, Severity, Signal, SignalKind
from agent.topology import Topology
from config.errors import ConfigError
from config.slack_settings import Slack
from tools.sources.inventory import Inventory


@dataclass(frozen=True)
class Place:
    """`thread_ts` is set when it is the answer to somebody's question."""

    channel: str
    language: str
    thread_ts: str = ""


class Channels:
    """Compiled once. Patterns are RE2 and match whole values; a route matches if one signal fits all of it."""

    def __init__(self, settings: Slack, *, inventory: Inventory | None = None, language: str = "en") -> None:
        self.default = settings.shadow_channel or settings.channel
        self.shadow = bool(settings.shadow_channel)
        self._language = language
        self._topology = Topology(inventory or Inventory())
        options = re2.Options()
        options.log_errors = False
        self._routes = []
        for number, route in enumerate(settings.routes):
            try:
                patterns = {name: re2.compile(p, options) for name, p in route.match.items()}
            except re2.error as error:
                raise ConfigError(f"slack.routes.{number}.match: not an RE2 pattern: {error}") from error
            self._routes.append((patterns, route))

    def place(self, signals: Sequence[Signal], severity: Severity | str) -> Place:
        """Where an incident with these signals is told. In shadow mode always the test channel."""
        asked = _asked_in(signals)
        if asked is not None and not self.shadow:
            return Place(asked["channel"], asked.get("language") or self._language, asked.get("thread_ts", ""))
        route = next((r for patterns, r in self._routes
                      if any(_fits(patterns, facts) for facts in self._facts(signals, str(severity)))), None)
        language = (route.language if route else "") or self._language
        channel = (route.channel if route else "") or self.default
        return Place(self.default if self.shadow else channel, language)

    def language_of(self, incident: Incident) -> str:
        """The language its report is written in."""
        return self.place(incident.signals, incident.severity.value).language

    def _facts(self, signals: Iterable[Signal], severity: str) -> Iterable[Mapping[str, str]]:
        for signal in signals:
            place = self._topology.place(signal)
            yield {**signal.labels, "service": place.service or signal.labels.get("service", ""),
                   "cluster": place.cluster or signal.labels.get("cluster", ""), "severity": severity}


def _fits(patterns: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    return all(p.fullmatch(facts.get(name, "")) for name, p in patterns.items())


def _asked_in(signals: Sequence[Signal]) -> dict[str, str] | None:
    """Where the question was asked, if the incident is a question and nothing else."""
    if not signals or any(s.kind is not SignalKind.QUESTION for s in signals):
        return None
    where = signals[0].payload.get("slack")
    return {k: str(v) for k, v in where.items()} if isinstance(where, Mapping) and where.get("channel") else None
