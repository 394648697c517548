"""Signals become the incidents an engineer would have drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.correlate import Merge, OpenIncident, Plan, Seen, correlate
from agent.incident import Signal, SignalKind
from agent.topology import Place, Topology
from evals.bench.storm import make_storm, pairwise
from tools.sources.inventory import Host, Inventory, LabelMapping, Labels, Service

T0 = 1_700_000_000_000
MINUTE = 60_000
SHOP = Inventory(
    services=(
        Service(name="gate", depends_on=("api", "search")), Service(name="api", depends_on=("orders", "cache")),
        Service(name="orders", depends_on=("db",)), Service(name="search", depends_on=("index",)),
        Service(name="worker", follows="api", depends_on=("cache",), colours={"blue": ("w-b",), "green": ("w-g",)}),
        Service(name="db"), Service(name="cache"), Service(name="index"), Service(name="mail"), Service(name="auth"),
        Service(name="a", depends_on=("bus",)), Service(name="b", depends_on=("bus",)),
        Service(name="c", depends_on=("bus",)), Service(name="bus"),
    ),
    hosts=(Host(name="rack-1", instance="10.1.0.1:9100"),))
TOPOLOGY = Topology(SHOP)


def alert(at: float = 0, *, group: str = "", **labels: str) -> Signal:
    """An alert `at` minutes after T0."""
    moment = T0 + int(at * MINUTE)
    return Signal(kind=SignalKind.ALERT, fingerprint=f"{sorted(labels.items())}{at}", received_ms=moment,
                  starts_ms=moment, title="A", labels={"alertname": "A", **labels}, group=group)


def groups(plan: Plan, count: int) -> list[int]:
    """The number of the new incident each signal is in."""
    return [next(n for n, members in enumerate(plan.opens) if p in members) for p in range(count)]


def opened(*signals: Signal, topology: Topology = TOPOLOGY) -> list[int]:
    return groups(correlate(signals, (), topology=topology), len(signals))


def standing(name: str, *places: tuple[Place, float], opened_at: float = 0) -> OpenIncident:
    seen = tuple(Seen(p, T0 + int(at * MINUTE), T0 + int(at * MINUTE)) for p, at in places)
    return OpenIncident(name, T0 + int(opened_at * MINUTE), seen)


def test_a_fault_and_its_victims_are_one() -> None:
    """What depends on the failing service, directly or not, joins its incident."""
    assert len(set(opened(alert(service="db"), alert(1, service="orders"), alert(2, service="gate")))) == 1


def test_two_faults_at_once_stay_two_although_they_share_a_victim() -> None:
    """A victim of both goes to the one its labels name and ties nothing together."""
    found = opened(alert(service="db"), alert(service="index"), alert(1, service="gate", upstream="index"),
                   alert(1, service="gate", upstream="api"))
    assert found[0] != found[1]
    assert found[2:] == [found[1], found[0]]


def test_unrelated_services_stay_apart() -> None:
    """The same moment alone is no relation."""
    assert len(set(opened(alert(service="mail"), alert(service="auth")))) == 2


def test_causes_come_first() -> None:
    """A dependency that begins to fail long after its dependent does not explain it."""
    assert len(set(opened(alert(0, service="orders"), alert(30, service="db")))) == 2


def test_rules_that_wait_longer_are_forgiven() -> None:
    """A cause may alert a little later than its effect, because rules wait for different times."""
    assert len(set(opened(alert(1.5, service="db"), alert(0, service="orders")))) == 1


def test_order_of_arrival_does_not_matter() -> None:
    """Shuffled signals give the same incidents."""
    signals = [alert(service="db"), alert(1, service="orders"), alert(0, service="mail"), alert(2, service="api")]
    for seed in range(5):
        shuffled = random.Random(seed).sample(signals, len(signals))
        found = {s.labels["service"]: g for s, g in zip(shuffled, opened(*shuffled), strict=True)}
        assert found["db"] == found["orders"] == found["api"] != found["mail"]


def test_a_late_root_cause_takes_in_its_victims_incident() -> None:
    """The dependency's alert that arrives last joins the incident its victims opened."""
    plan = correlate([alert(service="db")], [standing("inc-1", (Place(service="orders"), 0.5))], topology=TOPOLOGY)
    assert plan.joins == {0: "inc-1"}


def test_a_cause_that_ties_victims_incidents_merges_them() -> None:
    """Two incidents that turn out to be victims of one fault become one; the older survives."""
    both = [standing("inc-1", (Place(service="orders"), 1), opened_at=1),
            standing("inc-2", (Place(service="api"), 2), opened_at=2)]
    plan = correlate([alert(service="db")], both, topology=TOPOLOGY)
    assert plan.merges == (Merge(loser="inc-2", survivor="inc-1"),)
    assert plan.joins == {0: "inc-1"}


def test_a_shared_victim_does_not_merge_open_incidents() -> None:
    """New signals at a place that two incidents already share go to one of them."""
    both = [standing("inc-1", (Place(service="db"), 0), (Place(service="gate"), 1)),
            standing("inc-2", (Place(service="index"), 0), (Place(service="gate"), 1))]
    plan = correlate([alert(2, service="gate"), alert(40, service="gate")], both, topology=TOPOLOGY)
    assert plan.merges == ()
    assert plan.joins[0] in ("inc-1", "inc-2")


def test_a_host_takes_its_services_with_it() -> None:
    """A host's own alert explains the services whose signals come from it, whatever port they name."""
    found = opened(alert(instance="10.1.0.1:9100"), alert(1, service="mail", instance="10.1.0.1:8080"),
                   alert(1, service="auth", instance="10.1.0.9:8080"))
    assert found[0] == found[1] != found[2]


def test_a_silent_shared_dependency_is_seen_in_its_dependents() -> None:
    """When all that need a service fail together, one incident is opened though the service says nothing."""
    assert len(set(opened(*(alert(service=s) for s in "abc")))) == 1
    assert len(set(opened(*(alert(service=s) for s in "ab")))) == 2


def test_colours_follow() -> None:
    """A worker and the API whose colour it follows are one incident, unless their colours differ."""
    assert len(set(opened(alert(service="api", colour="green"), alert(1, container="w-g")))) == 1
    assert len(set(opened(alert(service="api", colour="green"), alert(1, container="w-b")))) == 2


def test_clusters_stay_apart() -> None:
    """The same service in two clusters is two places."""
    assert len(set(opened(alert(service="db", cluster="seoul"), alert(service="orders", cluster="busan")))) == 2


def test_alertmanagers_group_decides_where_no_topology_does() -> None:
    """Alerts without a known place share an incident if Alertmanager grouped them; known places are not tied by it."""
    assert len(set(opened(alert(group="g"), alert(1, group="g"), alert(1, group="h")))) == 2
    assert len(set(opened(alert(service="mail", group="g"), alert(service="auth", group="g")))) == 2
    assert len(set(opened(alert(service="x", group="g"), alert(service="y", group="g")))) == 1


def test_places_come_through_the_users_own_labels() -> None:
    """The inventory says which label names a container and a host; a scrape job is a service only if it is listed."""
    own = SHOP.model_copy(update={"labels": Labels(metrics=LabelMapping(container="cname", host="machine"))})
    place = Topology(own).place(alert(cname="w-g", machine="rack-1:99", job="node"))
    assert place == Place(service="worker", colour="green", host="rack-1")
    assert TOPOLOGY.place(alert(job="db")).service == "db"
    assert TOPOLOGY.place(alert(job="node")).service == ""


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_becomes_its_causes(seed: int) -> None:
    """Thousands of alerts of 12 faults among 40 services become 12 incidents that fit them."""
    storm = make_storm(seed=seed, alerts=3_000, start_ms=T0)
    found = opened(*storm.signals, topology=Topology(storm.inventory))
    precision, recall = pairwise(storm.truth, found)
    assert (len(set(found)), precision >= 0.98, recall >= 0.98) == (12, True, True), (precision, recall)


SERVICES = [s.name for s in SHOP.services]
drawn = st.lists(st.tuples(st.sampled_from(SERVICES), st.floats(0, 60, allow_nan=False)), min_size=1, max_size=25)


@given(drawn, st.integers(0, 1_000))
@settings(max_examples=60, deadline=None)
def test_every_signal_is_in_exactly_one_incident(points: Sequence[tuple[str, float]], cut: int) -> None:
    """Whatever arrives and whatever is open, each signal is placed once, and no incident merges into a merged one."""
    known, fresh = points[: cut % len(points)], points[cut % len(points) :]
    incidents = [standing(f"inc-{n}", (Place(service=s), at), opened_at=n) for n, (s, at) in enumerate(known)]
    plan = correlate([alert(at, service=s) for s, at in fresh], incidents, topology=TOPOLOGY)
    placed = sorted([*plan.joins, *(p for members in plan.opens for p in members)])
    assert placed == list(range(len(fresh)))
    losers = {m.loser for m in plan.merges}
    assert len(losers) == len(plan.merges)
    assert not losers & ({m.survivor for m in plan.merges} | set(plan.joins.values()))
