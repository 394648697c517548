"""Every question on every bundled case: answered, and right about what tells the cases apart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from tests.tools.stage import found
from tools import toolbox
from tools.evidence import Evidence, Status, parse_iso
from tools.findings import Finding
from tools.recorded.snapshot import read_snapshot
from tools.recorded.world import open_world
from tools.world import Scope, World

CASES = sorted(p.parent for p in (Path(__file__).parents[2] / "evals" / "cases").glob("*/snapshot.yaml"))
STRAY = [c for c in CASES if c.name.startswith("f01")]
QUIET = [c for c in CASES if c.name.startswith("f22")]
GIVEN: dict[str, dict[str, object]] = {
    "metrics.query": {"promql": "sum by (name) (rate(container_cpu_usage_seconds_total[1m]))"}
}


async def scope_of(world: World, folder: Path) -> tuple[Scope, Evidence]:
    """The scope as the onset's answer narrows it."""
    now, start = read_snapshot(folder).now_ms, world.earliest_ms or 0
    guess = Scope(now, (now - 240_000, now), (start, now - 240_000))
    told = await toolbox.ask("metrics.onset", {}, world, guess)
    onset = found(told.findings, "incident_onset")
    at = onset.since_ms if onset is not None and onset.since_ms is not None else now - 240_000
    return Scope(now, (at, now), (start, at)), told


_asked: dict[Path, tuple[list[Evidence], float]] = {}


async def everything(folder: Path) -> list[Evidence]:
    """All questions, asked once for all tests here."""
    if folder not in _asked:
        began = time.process_time()
        _asked[folder] = await ask_all(folder), time.process_time() - began
    return _asked[folder][0]


async def ask_all(folder: Path) -> list[Evidence]:
    """All questions, with arguments where they need some."""
    world = open_world(folder)
    scope, told = await scope_of(world, folder)
    workers = [s.name for s in world.inventory.services if s.capacity is not None]
    given: dict[str, dict[str, object]] = {**GIVEN, "capacity.without": {"service": workers[0], "containers": []}}
    needy = {q.name for q in toolbox.QUESTIONS if any(f.is_required() for f in q.arguments.model_fields.values())}
    rest = [q.name for q in toolbox.QUESTIONS if q.name != "metrics.onset" and (q.name in given or q.name not in needy)]
    return [told, *[await toolbox.ask(name, given.get(name, {}), world, scope) for name in rest]]


def label(folder: Path) -> dict[str, object]:
    """The hidden label; only this test reads it."""
    return dict(yaml.safe_load((folder / "label.yaml").read_text(encoding="utf-8")))


def all_findings(evidence: list[Evidence]) -> list[Finding]:
    return [f for e in evidence for f in e.findings]


@pytest.mark.parametrize("folder", CASES, ids=lambda p: p.name)
async def test_every_question_is_answered_quickly(folder: Path) -> None:
    """None fails on a recorded case; together they take a few seconds of processor time on a busy machine at most."""
    evidence = await everything(folder)
    assert _asked[folder][1] < 8
    assert [e.text for e in evidence if e.status is Status.FAILED] == []
    assert all(e.text for e in evidence)
    assert all(len(c.ms) <= 240 for e in evidence for c in e.charts)


@pytest.mark.parametrize("folder", STRAY, ids=lambda p: p.name)
async def test_the_stray_is_found_dated_and_not_excused(folder: Path) -> None:
    """The label's container works while it waits, since the labelled onset to the quarter minute; users feel it."""
    truth = label(folder)
    culprit = truth["causes"][0]["component"]["name"]  # type: ignore[index]
    findings = all_findings(await everything(folder))
    stray = found(findings, "work_by_waiting_role", container=culprit, role="standby")
    assert stray is not None
    assert stray.strength == 1.0
    onset = found(findings, "incident_onset")
    assert onset is not None
    for f in (stray, onset):
        assert f.since_ms is not None
        assert abs(f.since_ms - parse_iso(str(truth["onset"]))) <= 15_000
    assert found(findings, "user_latency_up") or found(findings, "user_errors_up")
    assert found(findings, "views_agree") is not None
    for excuse in ("both_colours_declared", "drain_decaying", "user_healthy"):
        assert found(findings, excuse) is None


@pytest.mark.parametrize("folder", QUIET, ids=lambda p: p.name)
async def test_controls_show_health_and_no_stray(folder: Path) -> None:
    """Users are healthy, or what they feel was announced or is over; nobody works out of turn or keeps failing."""
    findings = [f for f in all_findings(await everything(folder)) if not f.extra.get("healed")]
    announced = found(findings, "planned_activity") is not None
    felt = [f for f in findings if f.kind in ("user_latency_up", "user_errors_up")]
    assert not felt or announced
    for wrong in (
        "work_by_waiting_role",
        "work_stopped",
        "completion_gap",
        "views_disagree",
        "failures_concentrated",
        "oom_killed",
        "extra_consumer",
    ):
        assert found(findings, wrong) is None, wrong
