"""What a source says survives the file: seam -> record -> JSON -> reader -> seam is the identity."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evidence import iso
from tools.recorded.alerts import read_alerts
from tools.recorded.changes import read_changes
from tools.recorded.containers import read_containers
from tools.recorded.peers import read_peers
from tools.recorded.queues import read_queues
from tools.recorded.records import from_record, to_record
from tools.recorded.routing import read_routing
from tools.sources.changes import Change
from tools.sources.containers import Container, ContainerEvent, ContainerProcess, ContainerStats
from tools.sources.peers import PeerProfile
from tools.sources.queues import QueueState
from tools.sources.routing import RouteView

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
MS = st.integers(0, 4_102_444_800_000)  # to the year 2100
COUNT = st.integers(0, 2**63 - 1)
TEXTS = st.dictionaries(NAME, TEXT, max_size=3)
SOME = st.lists(TEXT, max_size=3).map(tuple)
SECONDS = st.floats(0, 1e12)
CODE = st.none() | st.integers(-1, 255)

CONTAINERS = st.builds(
    Container, name=NAME, id=TEXT, image=TEXT, state=NAME, labels=TEXTS, image_id=TEXT, created_ms=st.none() | MS,
    started_ms=st.none() | MS, finished_ms=st.none() | MS, exit_code=CODE, oom_killed=st.booleans(),
    restart_count=COUNT, health=TEXT, cpu_limit=st.none() | SECONDS, memory_limit=st.none() | COUNT,
    environment_keys=SOME, networks=SOME, mounts=SOME, command=TEXT, host=TEXT, cluster=st.just("main"))
STATS = st.builds(ContainerStats, name=NAME, at_ms=MS, cpu_seconds=SECONDS, memory_bytes=COUNT, network_rx_bytes=COUNT,
                  network_tx_bytes=COUNT, periods=COUNT, throttled_periods=COUNT, pids=COUNT)
EVENTS = st.builds(ContainerEvent, at_ms=MS, action=NAME, container=TEXT, image=TEXT, exit_code=CODE, attributes=TEXTS)
CHANGES = st.builds(
    Change, at_ms=MS, kind=st.sampled_from(["deploy", "switch", "mode", "other"]), service=TEXT, colour=TEXT,
    build=TEXT, by=TEXT, text=TEXT, source=TEXT, mode=TEXT, attributes=TEXTS)
VIEWS = st.builds(RouteView, service=NAME, view=st.sampled_from(["declared_host", "declared_container", "loaded"]),
                  colour=NAME, detail=TEXT, at_ms=MS, since_ms=st.none() | MS)
STATES = st.builds(QueueState, name=NAME, at_ms=MS, length=COUNT, consumers=st.none() | COUNT, consumer_names=SOME)
PROFILES = st.builds(PeerProfile, name=NAME, service=TEXT, facts=st.dictionaries(TEXT, TEXT, max_size=3))
PROCESSES = st.builds(ContainerProcess, pid=TEXT, command=TEXT)


def written(name: str, content: str) -> Path:
    """A file of that name with that content."""
    path = Path(tempfile.mkdtemp()) / name
    path.write_text(content, encoding="utf-8")
    return path


def document(name: str, content: Any) -> Path:
    return written(name, json.dumps(content, ensure_ascii=False))


@given(CONTAINERS, STATS, EVENTS, st.dictionaries(NAME, st.lists(PROCESSES, max_size=2), max_size=2), MS)
@settings(max_examples=30, deadline=None)
def test_containers_survive(container: Container, stats: ContainerStats, event: ContainerEvent,
                            top: dict[str, list[ContainerProcess]], at: int) -> None:
    """Inspect, statistics, processes and events come back as they were, missing limits and codes as None."""
    path = document("containers.json", {
        "observations": [{"at": iso(at), "containers": [to_record(container, leave_out=("cluster",))],
                          "stats": [to_record(stats, leave_out=("at_ms",))],
                          "top": {name: [to_record(p) for p in found] for name, found in top.items()}}],
        "events": [to_record(event)]})
    file = read_containers(path)
    (seen,) = file.observations
    assert seen.at == at
    assert from_record(Container, seen.containers[0], cluster="main") == container
    assert from_record(ContainerStats, seen.stats[0], at_ms=stats.at_ms) == stats
    assert {n: [from_record(ContainerProcess, p) for p in found] for n, found in seen.top.items()} == top
    assert from_record(ContainerEvent, file.events[0]) == event


@given(CHANGES, VIEWS, STATES, PROFILES, MS)
@settings(max_examples=30, deadline=None)
def test_the_rest_survives(change: Change, view: RouteView, state: QueueState, profile: PeerProfile, at: int) -> None:
    """Changes (text with line breaks too), views, queue readings and peers."""
    changes = written("changes.jsonl", json.dumps(to_record(change)) + "\n")
    assert [from_record(Change, record) for record in read_changes(changes)] == [change]
    views = [to_record(view, leave_out=("at_ms",))]
    routing = read_routing(document("routing.json", {"observations": [{"at": iso(view.at_ms), "views": views}]}))
    assert from_record(RouteView, routing.observations[0].views[0], at_ms=routing.observations[0].at) == view
    queues = read_queues(document("queues.json", {"states": [to_record(state)]}))
    assert from_record(QueueState, queues.states[0]) == state
    peers = read_peers(document("peers.json", {"observations": [{"at": iso(at), "profiles": [to_record(profile)]}]}))
    assert from_record(PeerProfile, peers.observations[0].profiles[0]) == profile


LEAVES = st.none() | st.booleans() | st.integers(-2**53, 2**53) | TEXT
BODIES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
                      max_leaves=10)


@given(BODIES, MS)
@settings(max_examples=30, deadline=None)
def test_payloads_are_kept_exactly(body: Any, at: int) -> None:
    """A webhook body of any shape comes back as it was received."""
    path = document("alerts.json", {"payloads": [{"received": iso(at), "payload": {"x": body}}], "states": []})
    (record,) = read_alerts(path).payloads
    assert (record.received, record.payload) == (at, {"x": body})
