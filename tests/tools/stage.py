"""A small chat system on a stage: worlds built in memory for the questions' tests. Names here are deliberately odd.

Twenty minutes before `ONSET`, four after. `web-a`/`web-b` are the colours of the routed service `front`; `mill-1` and
`mill-2` the colours of `mill`, which follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tools.findings import Finding
from tools.recorded.coverage import Coverage
from tools.recorded.logs.store import LogStream, stream_of
from tools.recorded.metrics import RecordedMetrics
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore
from tools.recorded.span import Span
from tools.sources.containers import Container
from tools.sources.fakes import FakeChanges, FakeContainers, FakeLogs, FakePeers, FakeQueues, FakeRouting
from tools.sources.inventory import Inventory, parse_inventory
from tools.sources.metrics import Metrics
from tools.sources.routing import RouteView
from tools.world import Scope, World

START = 1_790_000_000_000
ONSET = START + 20 * 60_000
END = ONSET + 4 * 60_000
SCRAPE_MS = 5_000
Sampled = tuple[dict[str, str], Sequence[int], Sequence[float]]
SCOPE = Scope(asked_at_ms=END, incident=(ONSET, END), baseline=(START, ONSET))

INVENTORY = parse_inventory("""
version: 1
labels: {metrics: {container: ctr}, logs: {container: box, service: app}}
services:
  - name: front
    kind: api
    routed: true
    colours: {jade: [web-a], rust: [web-b]}
    depends_on: [line]
    work: {unit: order, started: {contains: "order handed over"}}
  - name: mill
    kind: worker
    follows: front
    colours: {jade: [mill-1], rust: [mill-2]}
    depends_on: [line, oracle]
    work: {unit: order, started: {contains: "picked order"}, done: {contains: "order ready"},
           failed: {contains: "주문 실패"}}
    capacity: {base_per_second: 2.0}
    allowed_differences: ["config.greeting"]
  - {name: line, kind: broker, containers: [line-1]}
  - {name: oracle, kind: provider, containers: [oracle-1]}
  - {name: paint, kind: other, containers: [paint-1]}
""")


def every(period_s: float, start: int, end: int, *, phase_s: float = 0.0) -> list[int]:
    """Moments (ms) in [start, end), one each period."""
    out, at = [], start + phase_s * 1000
    while at < end:
        out.append(int(at))
        at += period_s * 1000
    return out


def lines(box: str, app: str, *told: tuple[Sequence[int], str]) -> LogStream:
    """One container's stream: (moments in ms, line) pairs; `{n}` in a line is numbered."""
    rows = [(t * 1_000_000 + i, text.replace("{n}", str(i))) for moments, text in told for i, t in enumerate(moments)]
    return stream_of({"box": box, "app": app}, rows)


def orders(box: str, moments: Sequence[int], *, failed: Sequence[int] = ()) -> LogStream:
    """A mill's stream: picked and ready lines, failures, and a line that says it lives."""
    return lines(
        box,
        "mill",
        (moments, "picked order {n}"),
        (moments, "order ready {n}"),
        (failed, "주문 실패 {n}: bad shape"),
        (every(30, START, END), "still here"),
    )


def handed(moments: Sequence[int], box: str = "web-a") -> LogStream:
    """The API's stream of hand-overs."""
    return lines(box, "front", (moments, "order handed over {n}"))


def views(colour: str, *, loaded: str = "", at: int = START, since: int | None = None) -> tuple[RouteView, ...]:
    """Declared on the host, in the container, and loaded."""
    told = {"declared_host": colour, "declared_container": colour, "loaded": loaded or colour}
    return tuple(RouteView("front", view, c, f"server {c};", at, since) for view, c in told.items())


def container(name: str, **fields: object) -> Container:
    """A running container, created long before."""
    whole = Container(
        name=name, id=f"id-{name}", image="shop:7", state="running", created_ms=START - 10**7, started_ms=START - 10**7
    )
    return replace(whole, **fields)  # type: ignore[arg-type]


def world(
    *,
    logs: Sequence[LogStream] | None = None,
    routing: Mapping[int, Sequence[RouteView]] | None = None,
    containers: FakeContainers | None = None,
    changes: FakeChanges | None = None,
    peers: FakePeers | None = None,
    queues: FakeQueues | None = None,
    metrics: Metrics | None = None,
    inventory: Inventory = INVENTORY,
) -> World:
    """A world with only the sources given."""
    return World(
        name="stage",
        inventory=inventory,
        cluster="main",
        scrape_interval_ms=SCRAPE_MS,
        earliest_ms=START,
        logs=FakeLogs(logs) if logs is not None else None,
        routing=FakeRouting(routing) if routing is not None else None,
        containers=containers,
        changes=changes,
        peers=peers,
        queues=queues,
        metrics=metrics,
    )


def gauge(name: str, value: Callable[[int], float | None], **labels: str) -> Sampled:
    """A raw gauge scraped every five seconds; None is a missed scrape."""
    ms = [t for t in range(START, END + 1, SCRAPE_MS) if value(t) is not None]
    return {"__name__": name, **labels}, ms, [float(value(t) or 0.0) for t in ms]


def counter(name: str, per_second: Callable[[int], float | None], **labels: str) -> Sampled:
    """A raw counter that grows at a rate; None: the process does not run, and it starts from 0 again afterwards."""
    ms, values, total = [], [], 0.0
    for t in range(START, END + 1, SCRAPE_MS):
        rate = per_second(t)
        if rate is None:
            total = 0.0
            continue
        total += rate * SCRAPE_MS / 1000
        ms.append(t)
        values.append(total)
    return {"__name__": name, **labels}, ms, values


def noisy(level: float, spread: float = 0.05) -> Callable[[int], float]:
    """A level with a wobble that is the same every time: a fraction `spread` of it, up and down."""
    return lambda t: level * (1 + spread * (((t // 1000) * 2654435761 % 1000) / 500 - 1))


def stepped(before: float, after: float, at: int = ONSET, spread: float = 0.05) -> Callable[[int], float]:
    """A noisy level that steps at a moment."""
    return lambda t: noisy(before if t < at else after, spread)(t)


def measured(*series: Sampled) -> RecordedMetrics:
    """A recorded Prometheus that scraped these."""
    semantics = Semantics()
    return RecordedMetrics(
        load=lambda: SeriesStore(series),
        semantics=semantics,
        span=Span(START, END),
        coverage=Coverage(START, SCRAPE_MS, semantics, ()),
    )


def found(findings: Sequence[Finding], kind: str, **subject: str) -> Finding | None:
    """The first finding of a kind whose subject has these fields."""
    return next(
        (f for f in findings if f.kind == kind and all(getattr(f.subject, k) == v for k, v in subject.items())), None
    )


def kinds(findings: Sequence[Finding]) -> set[str]:
    """The kinds present."""
    return {f.kind for f in findings}
