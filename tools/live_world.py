"""Settings -> live worlds, one a cluster. Nothing is connected yet: each client connects at its first question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from config.database import Database
from config.errors import ConfigError
from config.settings import Sources
from config.settings import World as WorldSettings
from tools.sources.alertmanager_alerts import AlertmanagerAlerts
from tools.sources.changes import Changes
from tools.sources.docker_changes import DockerChanges, MergedChanges
from tools.sources.docker_engine import DockerContainers
from tools.sources.docker_host import DockerHost, tls_config
from tools.sources.endpoints import capped, endpoint, http_reader, redis_address
from tools.sources.inventory import Inventory, load_inventory
from tools.sources.kept_changes import KeptChanges
from tools.sources.live_alerts import LiveAlerts
from tools.sources.live_peers import LivePeers
from tools.sources.live_routing import live_routing
from tools.sources.loki import LokiLogs
from tools.sources.prometheus import PrometheusMetrics
from tools.sources.prometheus_state import PrometheusState
from tools.sources.rate_cap import RateCap
from tools.sources.redis_queues import RedisQueues
from tools.world import World

LIVE = "live"


def live_worlds(settings: WorldSettings, *, database: Database | None = None) -> Mapping[str, World]:
    """World by cluster name, the first cluster's first; each knows its siblings. Raises ConfigError.

    `database` is where announced changes are kept; without one, changes are read off Docker alone.
    """
    inventory = load_inventory(settings.inventory) if settings.inventory else Inventory()
    if not any(s.any_set for s in settings.all_sources()):
        raise ConfigError("no world is configured: set world.case, or world.prometheus.url and the like")
    _check_routes(settings, inventory)
    alone = {s.cluster: live_world(s, inventory=inventory, database=database) for s in settings.all_sources()}
    if len(alone) == 1:
        return alone
    return {name: replace(world, siblings={n: w for n, w in alone.items() if n != name})
            for name, world in alone.items()}


def live_world(sources: Sources, *, inventory: Inventory, database: Database | None = None) -> World:
    """The world of one cluster; its inventory holds that cluster's services and those that name none."""
    mine = inventory_of(inventory, sources.cluster)
    containers = _containers(sources)
    return World(
        name=LIVE,
        inventory=mine,
        cluster=sources.cluster,
        scrape_interval_ms=round(sources.scrape_interval_seconds * 1000),
        earliest_ms=round(sources.data_since.timestamp() * 1000) if sources.data_since else None,
        metrics=_metrics(sources),
        logs=_logs(sources),
        containers=containers,
        routing=live_routing(sources.routes, inventory=mine, containers=containers),
        changes=_changes(sources, mine, containers, database),
        alerts=_alerts(sources),
        peers=LivePeers(containers, inventory=mine, files=sources.config_files) if containers else None,
        queues=_queues(sources, containers),
    )


def inventory_of(inventory: Inventory, cluster: str) -> Inventory:
    """What one cluster can see of the inventory: its own services and hosts; all of them where nothing is named."""
    if not cluster:
        return inventory
    return inventory.model_copy(update={
        "services": tuple(s for s in inventory.services if s.cluster in ("", cluster)),
        "hosts": tuple(h for h in inventory.hosts if h.cluster in ("", cluster)),
    })


def _metrics(sources: Sources) -> PrometheusMetrics | None:
    if not sources.prometheus.url:
        return None
    cap = RateCap("Prometheus", per_second=sources.prometheus.queries_per_second)
    return PrometheusMetrics(endpoint(sources.prometheus), cap=cap)


def _logs(sources: Sources) -> LokiLogs | None:
    if not sources.loki.url:
        return None
    at = endpoint(sources.loki)
    cap = RateCap("Loki", per_second=sources.loki.queries_per_second)
    return LokiLogs(base_url=at.url, headers=at.headers, auth=at.auth, timeout_s=at.timeout_s, tls=at.tls,
                    transport=capped(at, cap, backend="Loki"))


def _alerts(sources: Sources) -> LiveAlerts | None:
    manager, prometheus = sources.alertmanager, sources.prometheus
    if not (manager.url or prometheus.url):
        return None
    return LiveAlerts(
        alertmanager=AlertmanagerAlerts(http_reader("Alertmanager", manager)) if manager.url else None,
        prometheus=PrometheusState(http_reader("Prometheus", prometheus)) if prometheus.url else None,
    )


def _containers(sources: Sources) -> DockerContainers | None:
    if not sources.docker:
        return None
    hosts = [
        DockerHost(
            d.name, d.url, timeout_s=d.timeout_seconds, labels=d.labels,
            tls=tls_config(ca=d.ca_file, cert=d.cert_file, key=d.key_file),
            cap=RateCap(f"Docker on {d.name}", per_second=d.queries_per_second),
        )
        for d in sources.docker
    ]
    return DockerContainers(hosts, cluster=sources.cluster)


def _changes(
    sources: Sources, inventory: Inventory, containers: DockerContainers | None, database: Database | None
) -> Changes | None:
    found: list[Changes] = []
    if database is not None:
        found.append(KeptChanges(database, cluster=sources.cluster))
    if containers is not None:
        found.append(DockerChanges(containers, inventory=inventory))
    return MergedChanges(found) if found else None


def _queues(sources: Sources, containers: DockerContainers | None) -> RedisQueues | None:
    if not sources.redis.url:
        return None
    cap = RateCap("Redis", per_second=sources.redis.queries_per_second)
    names = containers.names_by_address if containers is not None else None
    return RedisQueues(redis_address(sources.redis), sources.redis.lists, names_by_address=names, cap=cap)


def _check_routes(settings: WorldSettings, inventory: Inventory) -> None:
    for sources in settings.all_sources():
        for route in sources.routes:
            service = inventory.service(route.service)
            if service is None or not service.routed:
                raise ConfigError(f"world.routes: the inventory has no service {route.service} with `routed: true`")
