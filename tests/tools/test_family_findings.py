"""Findings of families no recording covers yet: clusters out of reach, scaling, own settings, demand, inner traffic."""

from __future__ import annotations

from dataclasses import replace

from tests.tools.stage import (
    END,
    INVENTORY,
    ONSET,
    SCOPE,
    START,
    Sampled,
    container,
    counter,
    every,
    found,
    gauge,
    handed,
    kinds,
    measured,
    orders,
    stepped,
    views,
    world,
)
from tools import activity, bluegreen, drift, health, metrics, scaling
from tools.question import NoArguments
from tools.recorded.metrics import RecordedMetrics
from tools.sources.fakes import FakeContainers, FakePeers
from tools.sources.inventory import Cluster, Host, Service
from tools.sources.peers import PeerProfile

JADE = {START: views("jade")}
TWO_CLUSTERS = INVENTORY.model_copy(update={
    "clusters": (Cluster(name="east", traffic_share=0.4), Cluster(name="west", traffic_share=0.6)),
    "hosts": (Host(name="e1", instance="e1:9100", cluster="east"), Host(name="w1", instance="w1:9100", cluster="west")),
    "labels": INVENTORY.labels.model_copy(update={
        "metrics": INVENTORY.labels.metrics.model_copy(update={"host": "instance"})}),
})


def up(instance: str, job: str, dies: bool) -> Sampled:
    return gauge("up", lambda t: 0.0 if dies and t >= ONSET else 1.0, instance=instance, job=job)


async def test_a_cluster_whose_targets_are_all_gone_is_absent_and_the_other_is_not() -> None:
    """Two targets of east go down together; both of west stay up."""
    told = measured(up("e1:9100", "node", True), up("e1:9100", "cadvisor", True),
                    up("w1:9100", "node", False), up("w1:9100", "cadvisor", False))
    answer = await health.QUESTION.ask(world(metrics=told, inventory=TWO_CLUSTERS), SCOPE, NoArguments())
    gone = found(answer.findings, "cluster_absent")
    assert gone is not None
    assert gone.subject.cluster == "east"
    assert gone.extra["traffic_share"] == 0.4
    assert abs((gone.since_ms or 0) - ONSET) <= 10_000


async def test_one_target_down_of_two_is_no_absent_cluster() -> None:
    """An exporter that died is a target, not a cluster."""
    told = measured(up("e1:9100", "node", True), up("e1:9100", "cadvisor", False), up("w1:9100", "node", False))
    answer = await health.QUESTION.ask(world(metrics=told, inventory=TWO_CLUSTERS), SCOPE, NoArguments())
    assert "target_absent" in kinds(answer.findings)
    assert "cluster_absent" not in kinds(answer.findings)


BOTH = {START: tuple(replace(v, colour="both") for v in views("jade"))}


async def scaled(period_s: float, second: float = 1.0) -> set[str]:
    """Work of two instances since the onset, of one before; base 2/s, so 3.32/s together and 4/s apart."""
    before = every(1.0, START, ONSET)
    one = [*before, *every(period_s, ONSET, END)]
    two = every(period_s / second, ONSET, END)
    streams = [orders("mill-1", one), orders("mill-2", two), handed(sorted([*one, *two]))]
    stage, of_mill = world(logs=streams, routing=BOTH), scaling.ScalingArguments(service="mill")
    return kinds((await scaling.QUESTION.ask(stage, SCOPE, of_mill)).findings)


async def test_a_load_between_what_two_carry_together_and_apart_is_short_by_scaling() -> None:
    """3.5 units a second for two instances of base 2: more than 3.32, less than 4."""
    assert await scaled(2 / 3.5) == {"scaling_short"}


async def test_a_load_that_two_carry_is_not_short() -> None:
    """2 units a second for two."""
    assert await scaled(1.0) == set()


async def test_one_slower_instance_is_another_matter() -> None:
    """The second does two fifths of what the first does."""
    assert await scaled(2 / 4.9, second=0.4) == set()


async def test_an_instance_without_peers_is_compared_with_its_own_past() -> None:
    """line-1 has another memory limit than at the baseline; no peer was there to compare it with."""
    read = {START: [PeerProfile("line-1", "line", {"limit.memory": "64"})],
            ONSET: [PeerProfile("line-1", "line", {"limit.memory": "16"})]}
    stage = world(peers=FakePeers(read=read), containers=FakeContainers())
    answer = await drift.QUESTION.ask(stage, SCOPE, drift.PeersArguments(service="line"))
    changed = found(answer.findings, "config_changed", container="line-1")
    assert changed is not None
    assert changed.extra == {"fact": "limit.memory", "compared": False}


async def test_a_dip_in_demand_is_told_and_is_no_gap() -> None:
    """A third of the orders come in, and all are finished."""
    moments = [*every(1, START, ONSET), *every(3, ONSET, END)]
    stage = world(logs=[handed(moments), orders("mill-1", moments)], routing=JADE)
    answer = await activity.QUESTION.ask(stage, SCOPE, activity.ActivityArguments())
    follows = found(answer.findings, "work_follows_demand", service="mill")
    assert follows is not None
    assert follows.direction == "down"
    assert not kinds(answer.findings) & {"completion_gap", "work_stopped", "work_normal"}


async def test_all_consumers_that_stop_together_say_so() -> None:
    """Both serving colours finish nothing after the onset though orders come in."""
    stage = world(logs=[handed(every(1, START, END)), orders("mill-1", every(2, START, ONSET)),
                        orders("mill-2", every(2, START, ONSET, phase_s=1))], routing=BOTH)
    answer = await activity.QUESTION.ask(stage, SCOPE, activity.ActivityArguments())
    stopped = [f for f in answer.findings if f.kind == "work_stopped"]
    assert {f.subject.container for f in stopped} == {"mill-1", "mill-2"}
    assert all(f.extra["all"] is True for f in stopped)


async def test_what_one_container_sends_to_another_is_no_egress_to_the_outside() -> None:
    """paint-1 sends 600 kB/s, line-1 receives them: inner traffic. Without a receiver it is not."""
    def traffic(receives: bool) -> RecordedMetrics:
        rate = stepped(200, 600_000)
        return measured(
            counter("container_network_transmit_bytes_total", rate, ctr="paint-1"),
            counter("container_network_receive_bytes_total", rate if receives else stepped(200, 210), ctr="line-1"))

    for receives in (True, False):
        stage = world(metrics=traffic(receives), routing=JADE)
        answer = await metrics.QUESTION.ask(stage, SCOPE, metrics.ChangeArguments())
        egress = found(answer.findings, "egress_new", container="paint-1")
        assert egress is not None
        assert bool(egress.extra.get("inner")) is receives


async def test_who_routes_is_named_when_the_views_disagree() -> None:
    """The only proxy in front of the service, not the service behind it."""
    gate = Service(name="gate", kind="proxy", containers=("gate-1",), depends_on=("front",))
    inventory = INVENTORY.model_copy(update={"services": (*INVENTORY.services, gate)})
    stage = world(routing={START: views("rust", loaded="jade")}, inventory=inventory,
                  containers=FakeContainers(lists={START: [container("gate-1")]}))
    answer = await bluegreen.QUESTION.ask(stage, SCOPE, bluegreen.ViewsArguments())
    disagree = found(answer.findings, "views_disagree")
    assert disagree is not None
    assert (disagree.subject.service, disagree.subject.container) == ("gate", "gate-1")
    assert disagree.extra["routed"] == "front"
