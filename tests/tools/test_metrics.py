"""metrics.change, onset, host, health, movers, query: against a recorded Prometheus' own answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from config.errors import QueryBudget, QueryError
from tests.tools.stage import (
    END,
    ONSET,
    SCOPE,
    START,
    Sampled,
    container,
    counter,
    found,
    gauge,
    kinds,
    measured,
    noisy,
    stepped,
    views,
    world,
)
from tools import free_query, health, host, metrics, movers, onset
from tools.evidence import Status
from tools.question import Answer, NoArguments
from tools.sources.fakes import FakeContainers
from tools.world import Scope, World

CPU = "container_cpu_usage_seconds_total"
MEMORY = "container_memory_working_set_bytes"
JADE = {START: views("jade")}


def quiet_system() -> list[Sampled]:
    """Every container of the stage at its usual level."""
    names = ("web-a", "web-b", "mill-1", "line-1", "paint-1")
    return [
        *(counter(CPU, noisy(0.1), ctr=n) for n in names),
        *(gauge(MEMORY, noisy(1e8, 0.01), ctr=n) for n in names),
        *(counter("container_network_transmit_bytes_total", noisy(5e3), ctr=n, interface="eth0") for n in names),
        *(gauge("probe_duration_seconds", noisy(0.5, 0.2), phase=p, job="users") for p in ("ttft", "total")),
        gauge("probe_success", lambda _: 1.0, job="users"),
        gauge("up", lambda _: 1.0, job="node", instance="h:9100"),
    ]


def replaced(series: list[Sampled], *new: Sampled) -> list[Sampled]:
    """The system with some series played differently."""
    labels = [s[0] for s in new]
    return [s for s in series if s[0] not in labels] + list(new)


def stage(*new: Sampled) -> World:
    return world(metrics=measured(*replaced(quiet_system(), *new)), routing=JADE)


async def change(*new: Sampled, scope: Scope = SCOPE) -> Answer:
    return await metrics.QUESTION.ask(stage(*new), scope, metrics.ChangeArguments())


async def test_a_quiet_system_has_no_finding_in_any_metrics_question() -> None:
    """At usual levels nothing moved, nobody is pressed, everything is fresh, users are healthy."""
    quiet = stage()
    assert (await change()).findings == ()
    assert (await host.QUESTION.ask(quiet, SCOPE, NoArguments())).findings == ()
    assert (await health.QUESTION.ask(quiet, SCOPE, NoArguments())).findings == ()
    assert (await movers.QUESTION.ask(quiet, SCOPE, movers.MoversArguments())).findings == ()
    dated = await onset.QUESTION.ask(quiet, SCOPE, onset.OnsetArguments())
    assert kinds(dated.findings) == {"user_healthy"}


async def test_a_step_is_dated_within_two_scrapes_although_rates_smear_it() -> None:
    """CPU doubles at the onset: level_changed with both levels, up, dated to within ten seconds."""
    answer = await change(counter(CPU, stepped(0.1, 0.2), ctr="mill-1"))
    moved = found(answer.findings, "level_changed", container="mill-1", resource="cpu", role="active")
    assert moved is not None
    assert moved.value == pytest.approx(0.2, rel=0.05)
    assert moved.baseline == pytest.approx(0.1, rel=0.05)
    assert moved.direction == "up"
    assert moved.since_ms is not None
    assert abs(moved.since_ms - ONSET) <= 10_000
    assert kinds(answer.findings) == {"level_changed"}


async def test_the_date_comes_from_the_data_and_not_from_the_scope() -> None:
    """The onset guess is two minutes late; the step is still found where it was."""
    late = Scope(END, (ONSET + 120_000, END), (START, ONSET + 120_000))
    answer = await change(counter(CPU, stepped(0.1, 0.2), ctr="mill-1"), scope=late)
    moved = found(answer.findings, "level_changed", container="mill-1")
    assert moved is not None
    assert moved.since_ms is not None
    assert abs(moved.since_ms - ONSET) <= 10_000


async def test_a_container_that_appears_moved_from_nothing() -> None:
    """A standby that was not measured before and now works: level_changed from 0, marked as appeared."""
    born = ONSET - 2_000
    answer = await change(counter(CPU, lambda t: None if t < born else noisy(0.15)(t), ctr="mill-2"))
    moved = found(answer.findings, "level_changed", container="mill-2", resource="cpu", role="standby")
    assert moved is not None
    assert moved.baseline == 0.0
    assert moved.extra["appeared"] is True
    assert moved.since_ms is not None
    assert abs(moved.since_ms - ONSET) <= 25_000


async def test_limits_throttling_and_memory_of_limit() -> None:
    """A worker at 98 % of a quarter core, throttled in two thirds of its periods, its memory at 96 % of its limit."""
    answer = await change(
        counter(CPU, stepped(0.1, 0.245, spread=0.01), ctr="mill-1"),
        gauge("container_spec_cpu_quota", lambda _: 25_000.0, ctr="mill-1"),
        gauge("container_spec_cpu_period", lambda _: 100_000.0, ctr="mill-1"),
        counter("container_cpu_cfs_periods_total", noisy(10.0), ctr="mill-1"),
        counter("container_cpu_cfs_throttled_periods_total", stepped(0.0, 6.7), ctr="mill-1"),
        gauge(MEMORY, stepped(1e8, 1.92e8, spread=0.005), ctr="line-1"),
        gauge("container_spec_memory_limit_bytes", lambda _: 2e8, ctr="line-1"),
    )
    cpu = found(answer.findings, "saturation", container="mill-1", resource="cpu_of_limit")
    assert cpu is not None
    assert cpu.value == pytest.approx(0.98, abs=0.02)
    throttled = found(answer.findings, "throttling", container="mill-1")
    assert throttled is not None
    assert throttled.strength == 1.0
    assert throttled.since_ms is not None
    assert abs(throttled.since_ms - ONSET) <= 10_000
    memory = found(answer.findings, "saturation", container="line-1", resource="memory_of_limit")
    assert memory is not None
    assert memory.value == pytest.approx(0.96, abs=0.01)


async def test_a_broker_is_full_at_one_core() -> None:
    """A broker at 0.97 cores without any limit is saturated, for its commands run on a single thread."""
    answer = await change(counter(CPU, stepped(0.1, 0.97, spread=0.01), ctr="line-1"))
    assert found(answer.findings, "saturation", container="line-1", resource="cpu") is not None


async def test_new_egress_and_a_slow_leak() -> None:
    """paint-1 sends forty times its usual bytes; mill-1's memory climbs through the whole window."""
    answer = await change(
        counter("container_network_transmit_bytes_total", stepped(5e3, 2e5), ctr="paint-1", interface="eth0"),
        gauge(MEMORY, lambda t: 1e8 + (t - START) / 1000 * 1e5 + noisy(1e6)(t), ctr="mill-1"),
    )
    assert found(answer.findings, "egress_new", container="paint-1") is not None
    leak = found(answer.findings, "trend", container="mill-1", resource="memory")
    assert leak is not None
    assert leak.value == pytest.approx(3.6e8, rel=0.05)
    assert found(answer.findings, "trend", container="paint-1") is None


async def test_a_blip_that_healed_weighs_half_and_says_when() -> None:
    """CPU was up for ninety seconds and is back: healed_ms, strength at most one half."""
    blip = counter(CPU, lambda t: noisy(0.4 if ONSET <= t < ONSET + 90_000 else 0.1)(t), ctr="mill-1")
    moved = found((await change(blip)).findings, "level_changed", container="mill-1")
    assert moved is not None
    assert moved.strength <= 0.5
    assert abs(moved.extra["healed_ms"] - (ONSET + 90_000)) <= 25_000


async def dated(*new: Sampled) -> Answer:
    return await onset.QUESTION.ask(stage(*new), SCOPE, onset.OnsetArguments())


async def test_the_onset_is_the_cause_s_step_and_users_follow() -> None:
    """The mill's CPU doubles forty seconds before half of the chats become slow: the onset is the mill's step."""
    felt = ONSET + 40_000
    slow = gauge(
        "probe_duration_seconds",
        lambda t: noisy(2.0 if t >= felt and (t // 5_000) % 2 else 0.5, 0.2)(t),
        phase="total",
        job="users",
    )
    answer = await dated(
        slow,
        counter(CPU, stepped(0.1, 0.25), ctr="mill-1"),
        counter("container_network_transmit_bytes_total", stepped(5e3, 1e4), ctr="mill-1", interface="eth0"),
    )
    began = found(answer.findings, "incident_onset")
    assert began is not None
    assert began.since_ms is not None
    assert abs(began.since_ms - ONSET) <= 10_000
    late = found(answer.findings, "user_latency_up", resource="total")
    assert late is not None
    assert late.value == pytest.approx(2.2, abs=0.3)
    assert late.since_ms is not None
    assert abs(late.since_ms - felt) <= 15_000
    assert "user_healthy" not in kinds(answer.findings)


async def test_failing_probes_are_errors_and_a_healed_blip_is_marked() -> None:
    """Every third probe fails from the onset on; another system's failures ended two minutes ago."""
    failing = gauge("probe_success", lambda t: 0.0 if t >= ONSET and (t // 5_000) % 3 == 0 else 1.0, job="users")
    errors = found((await dated(failing)).findings, "user_errors_up")
    assert errors is not None
    assert errors.value == pytest.approx(1 / 3, abs=0.05)
    assert errors.since_ms is not None
    assert abs(errors.since_ms - ONSET) <= 15_000
    blip = gauge("probe_success", lambda t: 0.0 if ONSET <= t < ONSET + 60_000 else 1.0, job="users")
    healed = found((await dated(blip)).findings, "user_errors_up")
    assert healed is not None
    assert healed.extra["healed"] is True


async def test_a_neighbour_off_the_path_does_not_date_the_incident() -> None:
    """paint-1, on nobody's path, jumps a minute before the mill: the onset stays the mill's."""
    answer = await dated(
        counter(CPU, stepped(0.1, 0.9, ONSET - 60_000), ctr="paint-1"),
        counter(CPU, stepped(0.1, 0.25), ctr="mill-1"),
        gauge("probe_duration_seconds", stepped(0.5, 2.0, ONSET + 20_000), phase="total", job="users"),
    )
    began = found(answer.findings, "incident_onset")
    assert began is not None
    assert began.since_ms is not None
    assert abs(began.since_ms - ONSET) <= 10_000


async def test_latency_of_entry_services_is_taken_where_there_is_no_probe() -> None:
    """A histogram of the routed service is found by its name's convention; the mill's own is not what users feel."""

    def bucket(le: str, service: str, per_second: Callable[[int], float | None]) -> Sampled:
        return counter("http_request_duration_seconds_bucket", per_second, le=le, service=service)

    def buckets(service: str, slow: float) -> list[Sampled]:
        fast = bucket("0.5", service, lambda t: 10.0 if t < ONSET else slow)
        return [fast, *(bucket(le, service, lambda _: 10.0) for le in ("5", "+Inf"))]

    series = [s for s in quiet_system() if not s[0]["__name__"].startswith("probe")]
    told = world(metrics=measured(*series, *buckets("front", 2), *buckets("mill", 10)))
    answer = await onset.QUESTION.ask(told, SCOPE, onset.OnsetArguments())
    slow = found(answer.findings, "user_latency_up", service="front")
    assert slow is not None
    assert slow.value is not None
    assert slow.value > 2
    assert found(answer.findings, "user_latency_up", service="mill") is None


async def test_nothing_measured_is_no_data() -> None:
    """An empty Prometheus is no healthy system."""
    answer = await onset.QUESTION.ask(world(metrics=measured()), SCOPE, onset.OnsetArguments())
    assert answer.status is Status.NO_DATA
    assert answer.findings == ()


def node(idle: float, after: float) -> list[Sampled]:
    return [
        counter("node_cpu_seconds_total", stepped(idle, after, spread=0.01), mode="idle", cpu=str(c), instance="h:9100")
        for c in range(4)
    ]


async def test_host_pressure_and_its_owner() -> None:
    """Four cores go from a fifth to nearly all used; paint-1 took 2.9 of them: it owns the pressure."""
    told = stage(*node(0.8, 0.05), counter(CPU, stepped(0.1, 2.9), ctr="paint-1"))
    answer = await host.QUESTION.ask(told, SCOPE, NoArguments())
    pressed = found(answer.findings, "host_pressure", resource="cpu")
    assert pressed is not None
    assert pressed.value == pytest.approx(0.95, abs=0.02)
    owner = found(answer.findings, "pressure_owner", container="paint-1")
    assert owner is not None
    assert owner.value == pytest.approx(0.76, abs=0.04)
    assert owner.strength == 1.0


async def test_pressure_from_outside_containers_is_said() -> None:
    """The host is full and no container uses it: the owner is outside."""
    answer = await host.QUESTION.ask(stage(*node(0.8, 0.05)), SCOPE, NoArguments())
    owner = found(answer.findings, "pressure_owner")
    assert owner is not None
    assert owner.detail == "outside containers"


async def test_blind_monitoring_is_told_by_health() -> None:
    """A target is down since the onset, container samples ended then, a counter began again, a clock is off."""
    told = world(
        metrics=measured(
            gauge("up", lambda t: 1.0 if t < ONSET else 0.0, job="cadvisor", instance="h:8080"),
            counter(CPU, lambda t: noisy(0.1)(t) if t < ONSET else None, ctr="mill-1"),
            counter(CPU, lambda t: None if t == START + 300_000 else 0.1, ctr="mill-2"),
            gauge("node_time_seconds", lambda t: t / 1000 + 8, instance="h:9100"),
        )
    )
    answer = await health.QUESTION.ask(told, SCOPE, NoArguments())
    absent = found(answer.findings, "target_absent")
    assert absent is not None
    assert absent.value == pytest.approx(245, abs=10)
    assert found(answer.findings, "counter_reset", container="mill-2") is not None
    skew = found(answer.findings, "clock_skew")
    assert skew is not None
    assert skew.value == pytest.approx(8, abs=0.1)


async def test_stale_families_are_told_with_their_age() -> None:
    """Container metrics ended four minutes ago while probes go on."""
    told = world(
        metrics=measured(
            counter(CPU, lambda t: 0.1 if t < ONSET else None, ctr="mill-1"), gauge("probe_success", lambda _: 1.0)
        )
    )
    stale = found((await health.QUESTION.ask(told, SCOPE, NoArguments())).findings, "stale_data", resource="containers")
    assert stale is not None
    assert stale.value == pytest.approx(245, abs=10)
    assert stale.strength == 1.0


async def test_movers_rank_within_kinds_and_find_metrics_of_any_name() -> None:
    """A made-up gauge with spaces in its name moves most of its kind; a wobbling byte counter does not win by size."""
    told = stage(
        gauge("OrderLatencyP95(s)", stepped(0.2, 1.4), service="mill"),
        counter(
            "container_network_transmit_bytes_total", stepped(5e6, 5.5e6, spread=0.2), ctr="web-a", interface="eth0"
        ),
    )
    answer = await movers.QUESTION.ask(told, SCOPE, movers.MoversArguments())
    moved = found(answer.findings, "level_changed", service="mill", resource="latency")
    assert moved is not None
    assert moved.detail == "OrderLatencyP95(s)"
    assert found(answer.findings, "level_changed", container="web-a") is None
    suspect = found(answer.findings, "suspect")
    assert suspect is not None
    assert suspect.subject.service == "mill"


async def test_movers_stay_fast_on_five_hundred_long_series() -> None:
    """500 series of 2,000 points in well under five seconds, with bounded findings."""
    ms = list(range(END - 2_000 * 1_000, END, 1_000))
    series = [
        ({"__name__": f"gauge_{i}", "service": f"s{i % 50}"}, ms, [float((t // 1000 * (i + 7)) % 97) for t in ms])
        for i in range(500)
    ]
    told = world(metrics=measured(*series))
    began = time.perf_counter()
    answer = await movers.QUESTION.ask(told, SCOPE, movers.MoversArguments())
    assert time.perf_counter() - began < 5
    assert len(answer.findings) <= 45


async def test_a_free_query_tells_levels_and_refuses_what_is_too_long_or_malformed() -> None:
    """Text with baseline and present level, a finding where it moved; a month's range and nonsense are refused."""
    told = stage(counter(CPU, stepped(0.1, 0.2), ctr="mill-1"))
    query = f'sum by (ctr) (rate({CPU}{{ctr="mill-1"}}[1m]))'
    answer = await free_query.QUESTION.ask(told, SCOPE, free_query.QueryArguments(promql=query))
    assert answer.queries == (query,)
    assert "ctr=mill-1" in answer.text
    assert found(answer.findings, "level_changed", container="mill-1") is not None
    with pytest.raises(QueryBudget):
        await free_query.QUESTION.ask(told, SCOPE, free_query.QueryArguments(promql="rate(up[30d])"))
    with pytest.raises(QueryError):
        await free_query.QUESTION.ask(told, SCOPE, free_query.QueryArguments(promql="rate(up["))


async def test_a_free_query_with_nested_ranges_is_narrowed_to_what_was_captured() -> None:
    """A subquery over a rate reaches back the sum of both: the window starts later instead of failing."""
    query = f"max_over_time(rate({CPU}[2m])[5m:30s] offset 1m)"
    answer = await free_query.QUESTION.ask(stage(), SCOPE, free_query.QueryArguments(promql=query))
    assert answer.status is Status.OK


async def test_one_series_for_all_cores_says_as_much_as_four() -> None:
    """Some set-ups keep CPU seconds of all cores in one series a mode: the host is as full as with four series."""
    told = stage(
        counter("node_cpu_seconds_total", stepped(3.2, 0.2, spread=0.01), mode="idle", instance="h:9100"),
        counter("node_cpu_seconds_total", stepped(0.8, 3.8, spread=0.01), mode="user", instance="h:9100"),
        counter(CPU, stepped(0.1, 2.9), ctr="paint-1"))
    answer = await host.QUESTION.ask(told, SCOPE, NoArguments())
    pressed = found(answer.findings, "host_pressure", resource="cpu")
    assert pressed is not None
    assert pressed.value == pytest.approx(0.95, abs=0.02)
    owner = found(answer.findings, "pressure_owner", container="paint-1")
    assert owner is not None
    assert owner.value == pytest.approx(0.76, abs=0.04)


async def test_a_climb_that_a_kill_ended_is_a_trend() -> None:
    """Memory rises in a line up to the onset and falls back then; whole, the window is no line."""
    told = stage(gauge("container_memory_working_set_bytes", lambda t: 2e7 + (min(t, ONSET - 5_000) - START) * 80.0
                       if t < ONSET else 2e7, ctr="mill-1"))
    answer = await metrics.QUESTION.ask(told, SCOPE, metrics.ChangeArguments())
    leak = found(answer.findings, "trend", container="mill-1", resource="memory")
    assert leak is not None
    assert leak.direction == "up"


async def test_a_target_inside_a_stopped_container_is_no_blindness() -> None:
    """mill-2 was stopped with its own /metrics: nothing is absent. Of one that runs, the container is named."""
    told = measured(*(gauge("up", lambda t: 1.0 if t < ONSET else 0.0, job="apps", instance=f"{name}:9102")
                      for name in ("mill-1", "mill-2")))
    engine = FakeContainers(lists={ONSET: [container("mill-1"), container("mill-2", state="exited")]})
    answer = await health.QUESTION.ask(world(metrics=told, containers=engine), SCOPE, NoArguments())
    absent = [f.subject.container for f in answer.findings if f.kind == "target_absent"]
    assert absent == ["mill-1"]
