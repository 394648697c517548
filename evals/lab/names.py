"""How one lab spells things: container names, colours, image repositories, host names. Every lab spells differently.

Two labs that run side by side need two spellings: Docker's names are unique on a host.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """`worker` and `api` are patterns with `{colour}` in them; `short` gives the colour as containers spell it."""

    network: str
    api: str
    worker: str
    proxy: str
    broker: str
    docs: str
    batch: str
    image_prefix: str = ""
    api_service: str = "api"
    worker_service: str = "worker"
    proxy_service: str = "nginx"
    broker_service: str = "redis"
    docs_service: str = "docs"
    batch_service: str = "settlement"
    colours: tuple[str, str] = ("blue", "green")
    short: tuple[str, str] = ("blue", "green")
    host: str = "app-01"
    monitor_host: str = "mon-01"
    cluster: str = "main"
    queue: str = "chat:jobs"

    def _coloured(self, pattern: str, colour: str) -> str:
        return pattern.format(colour=self.short[self.colours.index(colour)])

    def api_of(self, colour: str) -> str:
        """The API container of a colour."""
        return self._coloured(self.api, colour)

    def worker_of(self, colour: str) -> str:
        """The worker container of a colour."""
        return self._coloured(self.worker, colour)

    def other(self, colour: str) -> str:
        """The other colour."""
        return self.colours[1 - self.colours.index(colour)]

    def image(self, role: str, build: str) -> str:
        """An image reference, `repository:build`."""
        return f"{self.image_prefix}{role}:{build}"

    def outside(self, role: str) -> str:
        """Containers that stand for what is outside the system: users, the provider, the prober."""
        return f"{self.network}-{role}"


PLAIN = Names(
    network="chat",
    api="api-{colour}",
    worker="worker-{colour}",
    proxy="nginx",
    broker="redis",
    docs="docs",
    batch="settlement",
)
SHORT = Names(
    network="chat-prod",
    api="chat-api-{colour}",
    worker="chat-worker-{colour}",
    proxy="chat-edge",
    broker="chat-redis",
    docs="handbook",
    batch="chat-billing",
    image_prefix="chat/",
    short=("b", "g"),
    host="chat-host-1",
    monitor_host="watch-1",
    proxy_service="edge",
)
COMPOSE = Names(
    network="talk_default",
    api="talk_api_{colour}_1",
    worker="talk_worker_{colour}_1",
    proxy="talk_proxy_1",
    broker="talk_redis_1",
    docs="wiki_web_1",
    batch="talk_settle_1",
    image_prefix="registry.local/talk-",
    host="kr-app-7",
    monitor_host="kr-mon-1",
    proxy_service="proxy",
    cluster="seoul",
)
CONSUMER = Names(
    network="assist",
    api="assist-web-{colour}",
    worker="assist-consumer-{colour}",
    proxy="assist-lb",
    broker="assist-broker",
    docs="help-center",
    batch="assist-report",
    image_prefix="assist/",
    api_service="web",
    worker_service="consumer",
    proxy_service="lb",
    broker_service="broker",
    host="node-a",
    monitor_host="node-m",
    cluster="onprem",
    queue="assist:tasks",
)


def prefixed(prefix: str) -> Names:
    """The plain spelling with a prefix, for labs beside others."""
    return Names(
        network=f"{prefix}-net",
        api=f"{prefix}-api-{{colour}}",
        worker=f"{prefix}-worker-{{colour}}",
        proxy=f"{prefix}-nginx",
        broker=f"{prefix}-redis",
        docs=f"{prefix}-docs",
        batch=f"{prefix}-batch",
        image_prefix=f"{prefix}/",
    )


def composed(project: str, host: str = "kr-app-3", cluster: str = "seoul") -> Names:
    """As Compose names containers."""
    return Names(
        network=f"{project}_default",
        api=f"{project}_web_{{colour}}_1",
        worker=f"{project}_worker_{{colour}}_1",
        proxy=f"{project}_proxy_1",
        broker=f"{project}_cache_1",
        docs=f"{project}_wiki_1",
        batch=f"{project}_settle_1",
        image_prefix=f"registry.local/{project}-",
        api_service="web",
        proxy_service="proxy",
        broker_service="cache",
        docs_service="wiki",
        host=host,
        monitor_host="kr-mon-2",
        cluster=cluster,
        queue=f"{project}:queue",
    )


def slotted(prefix: str, host: str = "node-4") -> Names:
    """Slots a and b instead of colours, other words for the roles."""
    return Names(
        network=f"{prefix}-lan",
        api=f"{prefix}-gw-{{colour}}",
        worker=f"{prefix}-infer-{{colour}}",
        proxy=f"{prefix}-front",
        broker=f"{prefix}-mq",
        docs=f"{prefix}-help",
        batch=f"{prefix}-report",
        image_prefix=f"{prefix}.local/",
        api_service="gateway",
        worker_service="inference",
        proxy_service="front",
        broker_service="mq",
        docs_service="help",
        batch_service="report",
        colours=("a", "b"),
        short=("a", "b"),
        host=host,
        monitor_host="node-9",
        cluster="onprem",
        queue=f"{prefix}.tasks",
    )


def coloured(prefix: str, host: str = "app-2") -> Names:
    """Red and black, as another school of deployment calls its colours, spelled short."""
    return Names(
        network=f"{prefix}-prod",
        api=f"{prefix}-api-{{colour}}",
        worker=f"{prefix}-wk-{{colour}}",
        proxy=f"{prefix}-lb",
        broker=f"{prefix}-kv",
        docs=f"{prefix}-docs",
        batch=f"{prefix}-nightly",
        image_prefix=f"{prefix}/",
        proxy_service="lb",
        broker_service="kv",
        batch_service="nightly",
        colours=("red", "black"),
        short=("red", "blk"),
        host=host,
        monitor_host="mon-2",
        cluster="dc1",
        queue=f"{prefix}:jobs",
    )
