"""The lab on real servers: a snapshot recorded from it answers PromQL as the Prometheus it was recorded from."""

from __future__ import annotations

import json
import math
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evals.lab.case_folder import Marks, write_case
from evals.lab.moments import now_ms
from evals.lab.recorder import Recorder
from tests.live.lab import RunningLab
from tools.recorded.check import Severity, check
from tools.recorded.metrics_file import read_metrics
from tools.recorded.promql.engine import Engine
from tools.recorded.promql.semantics import Semantics
from tools.recorded.promql.store import SeriesStore

pytestmark = pytest.mark.live
BEFORE_S, AFTER_S = 75, 75
RELATIVE = 1e-9

COUNTERS = (
    "container_cpu_usage_seconds_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "node_cpu_seconds_total",
    "node_network_receive_bytes_total",
    "node_disk_written_bytes_total",
    "probe_attempts_total",
)
GAUGES = (
    "container_memory_working_set_bytes",
    "container_processes",
    "container_start_time_seconds",
    "container_last_seen",
    "node_memory_MemAvailable_bytes",
    "probe_duration_seconds",
    "probe_success",
    "up",
)
SHAPES = (
    'sum by (name) (rate(container_cpu_usage_seconds_total{name=~".*worker.*"}[30s]))',
    "sum by (name) (rate(container_cpu_cfs_throttled_periods_total[1m])) / "
    "sum by (name) (rate(container_cpu_cfs_periods_total[1m]))",
    "container_memory_working_set_bytes / on (id, name, image) (container_spec_memory_limit_bytes > 0)",
    '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[30s]))',
    'avg_over_time(probe_duration_seconds{phase="total"}[1m]) > 1',
    'max_over_time(probe_duration_seconds{phase="ttft"}[1m]) - on (instance) probe_duration_seconds{phase="total"}',
    "count by (image) (container_last_seen)",
    "changes(container_start_time_seconds[2m])",
    "time() - container_start_time_seconds",
    'absent(container_last_seen{name="nobody"})',
    "quantile_over_time(0.9, probe_duration_seconds[1m])",
    'label_replace(up, "short", "$1", "job", "(.).*")',
    "sum(irate(container_network_transmit_bytes_total[30s])) by (name)",
    "topk(1, sum by (name) (container_memory_usage_bytes))",
    "avg_over_time(rate(container_cpu_usage_seconds_total[20s])[1m:10s])",
    "container_spec_cpu_quota / container_spec_cpu_period",
    "deriv(container_memory_usage_bytes[1m])",
    "container_cpu_usage_seconds_total offset 30s",
    "stddev_over_time(probe_duration_seconds[1m])",
    '{__name__=~"scrape_.*", job="probe"}',
)


def queries() -> list[str]:
    """Every metric family the questions use, in the shapes they use them."""
    found = [
        f"{outer}({metric}[{window}])"
        for metric in COUNTERS
        for outer, window in (("rate", "30s"), ("increase", "1m"), ("irate", "20s"))
    ]
    found += [
        f"{outer}" for metric in GAUGES for outer in (metric, f"avg_over_time({metric}[1m])", f"delta({metric}[1m])")
    ]
    return [*found, *SHAPES]


@dataclass(frozen=True)
class Recording:
    folder: Path
    start_ms: int
    end_ms: int
    onset_ms: int


@pytest.fixture(scope="module")
def recording(running_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Two and a half minutes of the running lab, with a stray injected half way and healed after."""
    recorder = Recorder(running_lab.lab)
    recorder.start()
    time.sleep(BEFORE_S)
    onset = running_lab.inject()
    time.sleep(AFTER_S)
    recorder.stop()
    end = now_ms()
    folder = tmp_path_factory.mktemp("recorded") / "live"
    marks = Marks(
        start_ms=recorder.start_ms, onset_ms=onset, now_ms=end, end_ms=end, payload=None, neighbours=0, campaign=""
    )
    write_case(recorder, marks, folder)
    running_lab.heal()
    return Recording(folder, recorder.start_ms, end, onset)


def ask(url: str, query: str, start_ms: int, end_ms: int, step_ms: int) -> dict[str, dict[int, float]]:
    """A real server's range answer: labels as JSON to {ms: value}."""
    form = urllib.parse.urlencode(
        {"query": query, "start": start_ms / 1000, "end": end_ms / 1000, "step": step_ms / 1000}
    )
    with urllib.request.urlopen(f"{url}/api/v1/query_range", form.encode(), timeout=20) as response:
        result: list[dict[str, Any]] = json.load(response)["data"]["result"]
    return {
        json.dumps(one["metric"], sort_keys=True): {round(t * 1000): float(v) for t, v in one["values"]}
        for one in result
    }


@pytest.fixture(scope="module")
def engine(recording: Recording) -> Engine:
    store = SeriesStore(read_metrics(recording.folder / "metrics.jsonl.gz"))
    return Engine(store, Semantics(version=(2, 42), default_subquery_step_ms=5_000))


@pytest.mark.parametrize("query", queries())
def test_recorded_answers_equal_the_real_servers(
    query: str, engine: Engine, recording: Recording, running_lab: RunningLab
) -> None:
    """The same query over the same window gives the same series, times and values from the recording as from the
    Prometheus it was recorded from."""
    step = 5_000
    start = (recording.start_ms // step + 1 + 18) * step  # 90 s in: ranges and the offset reach no further back
    end = (recording.end_ms // step - 2) * step
    real = ask(running_lab.prometheus_url, query, start, end, step)
    ours = {
        json.dumps(dict(labels), sort_keys=True): dict(zip(ms.tolist(), values.tolist(), strict=True))
        for labels, ms, values in engine.range(query, start, end, step).series
    }
    assert ours.keys() == real.keys()
    for labels, points in real.items():
        assert ours[labels].keys() == points.keys(), labels
        for ms, value in points.items():
            mine = ours[labels][ms]
            assert (
                mine == value
                or math.isclose(mine, value, rel_tol=RELATIVE, abs_tol=1e-12)
                or (math.isnan(mine) and math.isnan(value))
            ), f"{labels} at {ms}: {mine} instead of {value}"


def test_some_answers_are_not_empty(engine: Engine, recording: Recording) -> None:
    """Equality is not the equality of nothing: most queries answer with series."""
    end = recording.end_ms - 10_000
    filled = [q for q in queries() if engine.range(q, recording.start_ms + 95_000, end, 5_000).series]
    assert len(filled) >= 0.9 * len(queries())


def test_the_recorded_folder_passes_the_check(recording: Recording) -> None:
    """What the lab writes is a case as the format says."""
    errors = [p for p in check(recording.folder) if p.severity is Severity.ERROR]
    assert not errors


def test_a_recreated_container_leaves_stale_markers(recording: Recording) -> None:
    """The standby's old container vanished when it was recreated: its series end in a marker, not in silence."""
    ended = [
        labels
        for labels, _, values in read_metrics(recording.folder / "metrics.jsonl.gz")
        if labels["__name__"] == "container_last_seen" and np.isnan(values).any()
    ]
    assert ended


def test_the_stray_works_and_stops(recording: Recording, running_lab: RunningLab) -> None:
    """Injecting makes the standby consume; healing stops it."""
    names = running_lab.lab.names
    stray = names.worker_of(names.other(running_lab.lab.scenario.active))
    assert b"job_started" in running_lab.lab.stack.get(stray).logs()
    assert running_lab.lab.stack.get(stray).status == "exited"
