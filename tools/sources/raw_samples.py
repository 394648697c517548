"""Raw samples of a live Prometheus, for capture: remote read where the server allows it, else range selectors.

`query_range` resamples, so it is never used here. A range selector (`up[5m]` as an instant query) gives the samples
as they were stored but not the stale markers, which are inferred: one interval after a series ends or pauses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import yaml

from config.errors import SourceRefused, SourceUnavailable
from tools.sources.logs import LabelMatcher
from tools.sources.remote_read import STALE_BITS, RawSeries, RemoteRead

PAUSE = 2.5  # intervals without a sample that Prometheus would have marked stale
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


@dataclass(frozen=True)
class ServerFacts:
    """What decides the meaning of a query. `guessed` names what the server did not tell."""

    version: str = "2.42.0"
    scrape_interval_s: float = 15.0
    lookback_s: float = 300.0
    evaluation_interval_s: float = 60.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()


class RawSamples:
    """Reads one Prometheus. `url` is its root; `headers` may carry credentials and are never shown."""

    def __init__(
        self, *, url: str, headers: Mapping[str, str] | None = None, timeout_s: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._transport = transport
        self._remote = RemoteRead(url=url, headers=headers, timeout_s=timeout_s, transport=transport)
        self.refused = ""
        """Why remote read is not used; then stale markers are inferred."""
        self.histograms: set[str] = set()
        """Names of metrics of which native histograms were met and left out."""

    async def facts(self) -> ServerFacts:
        """Version, flags and configuration, as far as the server tells them. Raises SourceUnavailable."""
        told: dict[str, Any] = {}
        for name in ("buildinfo", "flags", "config"):
            try:
                told[name] = await self._get(f"/api/v1/status/{name}", {})
            except SourceRefused:
                told[name] = {}
        return _facts(told["buildinfo"], told["flags"], told["config"])

    async def names(self, selectors: Sequence[str], *, start_ms: int, end_ms: int) -> tuple[str, ...]:
        """Metric names in the window, of the series any selector selects (all without any), sorted."""
        params = {"match[]": list(selectors), "start": start_ms / 1000, "end": end_ms / 1000}
        return tuple(sorted(await self._get("/api/v1/label/__name__/values", params)))

    async def read(self, matchers: Sequence[LabelMatcher], *, start_ms: int, end_ms: int,
                   external: Mapping[str, str], interval_ms: int) -> tuple[RawSeries, ...]:
        """Samples with start <= t <= end. `external` labels, which remote read adds, are taken off again."""
        if not self.refused:
            try:
                found = await self._remote.read(matchers, start_ms=start_ms, end_ms=end_ms)
                self.histograms |= {s.labels.get("__name__", "") for s in found if s.histograms}
                return tuple(RawSeries(_without(s.labels, external), s.ms, s.values) for s in found if len(s.ms))
            except SourceRefused as error:
                self.refused = str(error)
        series = await self._select(matchers, start_ms, end_ms)
        return tuple(_with_markers(one, end_ms, interval_ms) for one in series)

    async def _select(self, matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> list[RawSeries]:
        selector = "{" + ",".join(f"{m.name}{m.op}{_quoted(m.value)}" for m in matchers) + "}"
        window = end_ms - start_ms + 1  # one more, because a range leaves its first moment out from 3.0 on
        data = await self._get("/api/v1/query", {"query": f"{selector}[{window}ms]", "time": end_ms / 1000})
        found = []
        for row in data.get("result", ()):
            if "histograms" in row:
                self.histograms.add(row["metric"].get("__name__", ""))
            points = [(round(float(t) * 1000), float(v)) for t, v in row.get("values", ())]
            kept = [(ms, value) for ms, value in points if start_ms <= ms <= end_ms]
            if kept:
                found.append(RawSeries(dict(row["metric"]), np.array([ms for ms, _ in kept], dtype=np.int64),
                                       np.array([value for _, value in kept], dtype=np.float64)))
        return found

    async def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=self._timeout_s) as client:
                post = path.endswith("/query")
                response = await (client.post(self._url + path, data=dict(params), headers=self._headers) if post else
                                  client.get(self._url + path, params=dict(params), headers=self._headers))
                body = response.json() if response.status_code in (200, 400, 422, 503) else {}
        except (httpx.HTTPError, ValueError) as error:
            raise SourceUnavailable(f"Prometheus {path}: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code == 429:
            raise SourceUnavailable(f"Prometheus {path}: the server answered {response.status_code}")
        if response.status_code != 200 or not isinstance(body, dict) or "data" not in body:
            said = body.get("error", "") if isinstance(body, dict) else ""
            raise SourceRefused(f"Prometheus {path}: the server answered {response.status_code}: {said[:300]}")
        return body["data"]


def _facts(build: Mapping[str, Any], flags: Mapping[str, Any], config: Mapping[str, Any]) -> ServerFacts:
    default, guessed = ServerFacts(), []
    try:
        loaded = yaml.safe_load(config.get("yaml", "")) or {}
        settings = loaded.get("global") or {} if isinstance(loaded, dict) else {}
    except yaml.YAMLError:
        settings = {}
    version = re.match(r"\d+\.\d+(\.\d+)?", str(build.get("version", "")))
    lookback = duration_s(str(flags.get("query.lookback-delta", "")))
    scrape, evaluation = (duration_s(str(settings.get(f"{name}_interval", ""))) for name in ("scrape", "evaluation"))
    for name, value in (("version", version), ("lookback", lookback), ("scrape interval", scrape),
                        ("default subquery step", evaluation)):
        if value is None:
            guessed.append(name)
    external = settings.get("external_labels") or {}
    return ServerFacts(
        version=version.group() if version else default.version, scrape_interval_s=scrape or default.scrape_interval_s,
        lookback_s=lookback or default.lookback_s,
        evaluation_interval_s=evaluation or default.evaluation_interval_s,
        external_labels={str(k): str(v) for k, v in external.items()}, guessed=tuple(guessed),
    )


def duration_s(text: str) -> float | None:
    """Seconds of a Prometheus duration such as 1m30s; None for anything else."""
    parts = re.findall(r"(\d+)(ms|s|m|h|d|w|y)", text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        return None
    return sum(int(n) * _UNITS_S[unit] for n, unit in parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _without(labels: Mapping[str, str], external: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if external.get(name) != value}


def _with_markers(series: RawSeries, end_ms: int, interval_ms: int) -> RawSeries:
    """The series with a stale marker one interval after its end and after each pause."""
    gaps = np.diff(series.ms)
    usual = int(np.median(gaps)) if len(gaps) else interval_ms
    closing = np.append(gaps, end_ms - series.ms[-1])
    marks = series.ms[closing > PAUSE * usual] + usual
    marks = marks[marks <= end_ms]
    if not len(marks):
        return series
    stale = np.full(len(marks), STALE_BITS, dtype=np.uint64).view(np.float64)
    order = np.argsort(np.concatenate([series.ms, marks]), kind="stable")
    return RawSeries(series.labels, np.concatenate([series.ms, marks])[order],
                     np.concatenate([series.values, stale])[order])
