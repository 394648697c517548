"""Snapshots of live incidents: kept once diagnosed, redacted, within their budget, and gone on with after a failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.ledger import open_run, store_diagnosis
from config.settings import Learning, Settings, Source, World
from config.tables import incidents, signals
from evals.case import load_case
from evals.case_files import read_case_files
from evals.check import check_case
from evals.shelf import Shelf
from tests.evals.test_asked import alerted, diagnosed, evidence
from tests.evals.test_capture import live
from tests.tools.recorded.tiny_case import END_MS, NOW_MS, START_MS, TinyCase, write_tiny_case
from tools.recorded.check import Severity
from triggers.learning_parts import build_learner, build_snapshots
from triggers.rows import signal_row
from triggers.snapshots import FRESH_MS, Snapshots
from triggers.wiring import Store, build_store

INCIDENT = "inc-1"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """One incident of one alert, diagnosed at NOW."""
    made = build_store(Settings(data_dir=tmp_path / "data"), publishers=())
    found = diagnosed(evidence("up", "rate(container_cpu_usage_seconds_total[1m])", start_ms=START_MS + 60_000))
    with made.database.begin() as connection:
        connection.execute(incidents.insert().values(
            id=INCIDENT, fingerprint="f", title="slow", state="done", severity=1, opened_ms=1, onset_ms=1,
            last_signal_ms=1, queued_ms=1, ready_ms=1, order_ms=1, finished_ms=NOW_MS))
        for signal in alerted():
            connection.execute(signals.insert().values(
                incident_id=INCIDENT, pending=False, **signal_row(signal, now=NOW_MS, disposition="investigate")))
        run = open_run(connection, incident_id=INCIDENT, revision=0, current=None, asked_at_ms=NOW_MS, owner="x",
                       now=1)
        store_diagnosis(connection, diagnosis=found, run=run, revision=0, now=2, after_resolve=False)
    yield made
    made.close()


def keeper(store: Store, worlds: dict[str, object], samples: dict[str, object], now_ms: int = END_MS) -> Snapshots:
    data = store.settings.data_dir
    return Snapshots(incidents=store.incidents, shelf=Shelf(data / "cases"), spool=data / "captures",
                     worlds=worlds, samples=samples, settings=Learning(), now_ms=lambda: now_ms)  # type: ignore[arg-type]


async def test_a_diagnosed_incident_is_kept_as_a_case_that_can_be_replayed(tiny: TinyCase, store: Store) -> None:
    """Checked whole, with its alert and only the series that were asked for; a word then makes it a draft with it."""
    async with live(tiny.folder) as (world, samples):
        found = keeper(store, {"": world}, {"": samples})
        assert found.due() == [INCIDENT]
        await found.tick()
        assert found.due() == []
    folder = Path(found.shelf.folder_of(INCIDENT))
    case = load_case(folder)
    assert (case.id, case.origin.kind, case.now_ms) == (INCIDENT, "harvested", NOW_MS)
    assert [s.fingerprint for s in case.signals] == [s.fingerprint for s in alerted()]
    broken = {p.file for p in check_case(folder) if p.severity is Severity.ERROR}
    assert broken == {"label.yaml"}  # nobody judged it yet
    rows = read_case_files(folder)["metrics.jsonl"]
    names = {row["labels"]["__name__"] for row in rows if "labels" in row}
    assert names == {"up", "container_cpu_usage_seconds_total"}
    assert build_learner(store).told(INCIDENT).folder == str(folder)
    assert not any((store.settings.data_dir / "captures").iterdir())


async def test_a_capture_that_broke_off_goes_on(tiny: TinyCase, store: Store) -> None:
    """The backend fails once: nothing is on the shelf, nothing is raised, and the next tick finishes it."""
    async with live(tiny.folder, fail_at=5) as (world, samples):
        broken = keeper(store, {"": world}, {"": samples})
        await broken.tick()
        assert not broken.shelf.folder_of(INCIDENT)
    async with live(tiny.folder) as (world, samples):
        whole = keeper(store, {"": world}, {"": samples})
        await whole.tick()
        assert whole.shelf.folder_of(INCIDENT)


async def test_an_incident_of_long_ago_is_let_be(tiny: TinyCase, store: Store) -> None:
    """Its containers and buffers are gone: what would be captured is not what was seen."""
    async with live(tiny.folder) as (world, samples):
        assert keeper(store, {"": world}, {"": samples}, now_ms=NOW_MS + FRESH_MS + 1).due() == []


def test_a_recorded_world_needs_no_snapshots(tiny: TinyCase, store: Store) -> None:
    """It is one; nor does a team that switched them off."""
    recorded = replace(store, settings=store.settings.model_copy(update={"world": World(case=tiny.folder)}))
    assert build_snapshots(recorded, {}) is None
    off = store.settings.model_copy(update={"learning": Learning(snapshots=False)})
    assert build_snapshots(replace(store, settings=off), {}) is None
    lives = World(cluster="a", prometheus=Source(url="http://prometheus:9090"))
    on = store.settings.model_copy(update={"world": lives})
    built = build_snapshots(replace(store, settings=on), {})
    assert built is not None
    assert built.poller().name == "snapshots"
