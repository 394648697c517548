"""`culprit case capture`: the backends named by options or settings, as a world to capture from."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import BadInput
from config.redact import Redactor
from config.settings import DockerHost, Source, Sources, load_settings
from evals.capture import capture
from evals.capture_plan import Plan
from tools.evidence import parse_iso
from tools.live_world import live_world
from tools.sources.endpoints import capped, endpoint
from tools.sources.inventory import Inventory, load_inventory
from tools.sources.rate_cap import RateCap
from tools.sources.raw_samples import RawSamples


@dataclass(frozen=True)
class Backends:
    """Addresses given on the command line; an empty one falls back to the settings, and unset means not captured."""

    prometheus: str = ""
    loki: str = ""
    docker: str = ""
    inventory: Path | None = None
    cluster: str = ""


async def capture_once(plan: Plan, out: Path, backends: Backends, *,
                       on_progress: Callable[[str, int, int], None]) -> tuple[dict[str, Any], ...]:
    """Capture from one cluster. Returns what is missing. Raises CulpritError."""
    settings = load_settings().world
    sources = _chosen(settings.all_sources(), backends)
    if not (sources.prometheus.url or sources.loki.url):
        raise BadInput("nothing to capture from: give --prometheus or --loki, or set world.prometheus.url")
    path = backends.inventory or settings.inventory
    inventory = load_inventory(path) if path else Inventory()
    world = live_world(sources, inventory=inventory, database=None)
    return await capture(world, plan, out, samples=raw_samples(sources.prometheus), redactor=Redactor(),
                         present_ms=time.time_ns() // 1_000_000, on_progress=on_progress)


def _chosen(known: tuple[Sources, ...], backends: Backends) -> Sources:
    """The cluster's settings with the addresses given. Another address gets none of the configured credentials."""
    sources = next((s for s in known if s.cluster == backends.cluster), known[0] if not backends.cluster else None)
    if sources is None:
        raise BadInput(f"no cluster {backends.cluster!r} in the settings")
    given: dict[str, Any] = {}
    for name in ("prometheus", "loki"):
        url = getattr(backends, name)
        if url and url != getattr(sources, name).url:
            given[name] = Source(url=url, timeout_seconds=60)
    if backends.docker:
        given["docker"] = (DockerHost(name="docker", url=backends.docker),)
    return sources.model_copy(update=given)


def raw_samples(source: Source) -> RawSamples | None:
    """The raw samples of that Prometheus; None where none is configured."""
    if not source.url:
        return None
    at = endpoint(source)
    headers = dict(at.headers)
    if at.auth is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(at.auth).encode()).decode()
    cap = RateCap("Prometheus", per_second=source.queries_per_second)
    return RawSamples(url=at.url, headers=headers, timeout_s=max(at.timeout_s, 60.0),
                      transport=capped(at, cap, backend="Prometheus"))


def read_payloads(paths: list[Path], *, now_ms: int) -> tuple[tuple[int, Mapping[str, Any]], ...]:
    """Webhook bodies from files, as received at `now`. Raises BadInput."""
    found = []
    for path in paths:
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"{path.name}: {error}") from error
        if not isinstance(body, dict):
            raise BadInput(f"{path.name}: not an Alertmanager webhook body")
        found.append((now_ms, body))
    return tuple(found)


def moment_ms(text: str, what: str) -> int:
    """ISO 8601 -> Unix ms. Raises BadInput."""
    try:
        return parse_iso(text)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{what}: {text!r} is not an ISO 8601 time such as 2026-11-21T02:00:00Z") from error
