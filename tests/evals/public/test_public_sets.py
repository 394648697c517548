"""Public sets: read as an investigator may see them, ranked by the product's own functions, scored afterwards."""

from __future__ import annotations

import gzip
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.errors import BadInput, BadSnapshot
from evals.public.baselines import baro, chance, n_sigma
from evals.public.commits import NONE, culprit_commit, latest_deploy
from evals.public.components import hurts, suspects
from evals.public.folder import find_public, read_public, split_name
from evals.public.measure import interval, measure, table
from evals.public.page import page

START, MINUTE = 1_700_000_000_000, 60_000
ALERT = 63  # minutes; the fault begins at minute 60


def iso(minute: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START / 1000 + minute * 60))


def wave(level: float, fault: float | None = None) -> list[Any]:
    return [(fault if fault is not None and m >= 60 else level) * (1 + 0.02 * math.sin(m * 2.3)) for m in range(70)]


def write(root: Path, series: Mapping[tuple[str, str], Sequence[Any]], *, calls: Sequence[Sequence[str]] = (),
          truth: Mapping[str, Any] | None = None, labelled: bool = True, events: Sequence[Mapping[str, Any]] = (),
          logs: Sequence[Mapping[str, Any]] = (), window: Mapping[str, Any] | None = None) -> Path:
    """A case folder of one-minute series, named by (component, metric)."""
    root.mkdir(parents=True)
    about = {"id": root.name, "dataset": "made", "alert": {"name": "slow", "service": "front", "startsAt": iso(ALERT)},
             "window": window or {"start": iso(0), "end": iso(70)}, "candidates": sorted({c for c, _ in series})}
    (root / "public.json").write_text(json.dumps(about))
    (root / "case.json").write_text(json.dumps({"ground_truth": truth or {"service": "mill"}}))
    if calls:
        (root / "topology.json").write_text(json.dumps({"edges": calls}))
    if events:
        (root / "events.json").write_text(json.dumps(events))
    lines = [
        {"labels": {"service": c, "__name__": m} if labelled else {"__name__": f"{c}_{m}"},
         "ms": [START + i * MINUTE for i in range(len(v))], "values": list(v)}
        for (c, m), v in series.items()
    ]
    with gzip.open(root / "metrics.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    with gzip.open(root / "logs.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in logs)
    return root


CHAIN = (("front", "mill"), ("mill", "bank"))


@pytest.mark.parametrize("labelled", [True, False])
def test_the_component_with_the_fault_stands_before_those_that_wait_for_it(tmp_path: Path, labelled: bool) -> None:
    """front waits for mill, whose processor is busy: mill, whether a label or the metric's name says whose it is."""
    series = {("front", "latency-50"): wave(0.1, 0.9), ("mill", "latency-50"): wave(0.05, 0.6),
              ("mill", "cpu"): wave(0.2, 0.9), ("bank", "latency-50"): wave(0.01), ("bank", "cpu"): wave(0.1),
              ("front", "cpu"): wave(0.3)}
    case = read_public(write(tmp_path / "a", series, calls=CHAIN, labelled=labelled))
    assert suspects(case)[0] == "mill"


def test_without_a_call_graph_the_component_stands_out_by_its_own_resources(tmp_path: Path) -> None:
    """No topology at all: the busy one still leads the slow ones."""
    series = {("front", "latency"): wave(0.1, 0.3), ("mill", "latency"): wave(0.05, 0.3),
              ("mill", "mem"): wave(1e8, 9e8)}
    assert suspects(read_public(write(tmp_path / "a", series)))[0] == "mill"


def test_what_had_moved_before_the_incident_did_not_begin_it(tmp_path: Path) -> None:
    """bank has been slower than on the baseline's day since long before: mill, which moved with the incident, leads."""
    series = {("bank", "latency"): [0.01 + (0.2 if m >= 40 else 0.0) + 0.0001 * (m % 3) for m in range(70)],
              ("mill", "latency"): wave(0.05, 0.12)}
    window = {"start": iso(48), "end": iso(70), "baseline": [[iso(0), iso(39)]]}
    assert suspects(read_public(write(tmp_path / "a", series, window=window)))[0] == "mill"


def test_counters_are_read_as_rates(tmp_path: Path) -> None:
    """mill counts five times as fast as before; bank's count is the largest and goes on as ever."""
    counts = {n: [sum(step * (f if i >= 60 else 1) for i in range(m)) for m in range(70)]
              for n, step, f in (("mill", 1.0, 5.0), ("bank", 1000.0, 1.0))}
    series = {(n, "cpu_seconds_total"): v for n, v in counts.items()}
    assert suspects(read_public(write(tmp_path / "a", series)))[0] == "mill"


def test_the_answer_never_depends_on_the_truth(tmp_path: Path) -> None:
    """Ranking works with no case.json there; only scoring needs it."""
    root = write(tmp_path / "a", {("mill", "cpu"): wave(0.2, 0.9), ("bank", "cpu"): wave(0.2)})
    (root / "case.json").unlink()
    assert suspects(read_public(root)) == ("mill", "bank")
    with pytest.raises(BadSnapshot):
        measure([root])


def test_hostile_series_neither_crash_nor_lead(tmp_path: Path) -> None:
    """NaN, null, infinities, constants, counters, resets, gaps, one sample, an empty series: mill still leads."""
    series: dict[tuple[str, str], Sequence[Any]] = {
        ("mill", "cpu"): wave(0.2, 0.9),
        ("nan", "cpu"): ["NaN"] * 70, ("null", "latency"): [None] * 70, ("inf", "mem"): ["+Inf", 1.0, "-Inf"] * 20,
        ("constant", "mem"): [5.0] * 70, ("nearly", "mem"): [1e9] * 69 + [1e9 + 1],
        ("bytes", "network_receive_bytes"): [float(1e12 + (m % 7) * 1e9) for m in range(70)],
        ("reset", "requests_total"): [float((m * 50) % 700) for m in range(70)],
        ("gaps", "latency"): [None if m % 3 else 0.1 for m in range(70)],
        ("single", "cpu"): [1.0], ("empty", "cpu"): [],
    }
    case = read_public(write(tmp_path / "a", series))
    order = suspects(case)
    assert order[0] == "mill"
    assert set(order) == set(case.candidates)
    assert set(n_sigma(case)) == set(case.candidates)


def test_what_hurts_is_read_from_the_alert(tmp_path: Path) -> None:
    """From its metric, else from the words of its name, else nothing is said."""
    case = read_public(write(tmp_path / "a", {("mill", "cpu"): wave(0.2)}))
    said = [hurts(replace(case, alert=alert)) for alert in (
        {"name": "SLO", "metric": "availability_Average"}, {"name": "HighErrorRate"}, {"name": "latency SLO violation"},
        {"name": "FrontendSLOViolation"})]
    assert said == ["errors", "errors", "latency", ""]


def test_five_thousand_series_are_ranked_in_seconds(tmp_path: Path) -> None:
    """5,000 series of 70 samples: half a minute at most on a busy machine, and the faulty one leads."""
    usual, faulty = wave(0.2), wave(0.2, 0.9)
    series = {(f"c{i}", "cpu"): faulty if i == 77 else usual for i in range(5_000)}
    case = read_public(write(tmp_path / "a", series))
    began = time.perf_counter()
    assert suspects(case)[0] == "c77"
    assert time.perf_counter() - began < 30


@pytest.mark.parametrize("break_it", [
    lambda root: (root / "public.json").write_text("{"),
    lambda root: (root / "public.json").write_text("[]"),
    lambda root: (root / "metrics.jsonl.gz").write_bytes(b"not gzip"),
    lambda root: (root / "metrics.jsonl.gz").write_bytes(gzip.compress(b'{"labels": {}, "ms": [1], "values": []}\n')),
    lambda root: (root / "topology.json").write_text('{"edges": [["a"]]}'),
])
def test_a_malformed_file_is_named(tmp_path: Path, break_it: Any) -> None:
    """A broken file is BadSnapshot that names the case, never a half-read case."""
    root = write(tmp_path / "broken", {("mill", "cpu"): wave(0.2)})
    break_it(root)
    with pytest.raises(BadSnapshot, match="broken"):
        read_public(root)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    """Nothing there is an error, not a perfect score over no case."""
    with pytest.raises(BadSnapshot):
        find_public(tmp_path)


def test_names_are_split_at_the_longest_candidate() -> None:
    """`ts-order-other-service_latency-50` belongs to the longer of two candidates; without any, the last `_` parts."""
    known = ("ts-order-service", "ts-order-other-service")
    assert split_name("ts-order-other-service_latency-50", known) == ("ts-order-other-service", "latency-50")
    assert split_name("cart_cpu", ()) == ("cart", "cpu")
    assert split_name("load", known) == ("", "load")


def commit(sha: str, minute: float, message: str, path: str, diff: str = "") -> dict[str, Any]:
    return {"ts": iso(minute), "kind": "commit", "service": None, "sha": sha, "message": message,
            "files_changed": [path], "diff": diff}


def deploy(sha: str, minute: float, service: str) -> dict[str, Any]:
    return {"ts": iso(minute), "kind": "deploy", "service": service, "commit_sha": sha}


COMMITS = [
    commit("good", 10, "voucher: round the discount", "services/front/voucher.go", "- discount\n+ round(discount)"),
    commit("bad", 20, "voucher: read ledger rows lazily", "services/front/ledger.go", "+ cursor.fetchLedgerRow()"),
    commit("test", 30, "test ledger cursor", "services/front/ledger_test.go", "+ cursor ledger row"),
    commit("late", 66, "ledger cursor row", "services/front/ledger.go", "+ cursor ledger row"),
    deploy("bad", 25, "front"), deploy("good", 55, "front"),
]


def lines(text: str) -> list[dict[str, Any]]:
    quiet = [{"ts": START + m * MINUTE, "service": "front", "line": "INFO served"} for m in range(55)]
    return quiet + [{"ts": START + m * MINUTE, "service": "front", "line": text} for m in range(60, 70)]


def test_the_commit_whose_words_the_new_errors_speak_is_blamed(tmp_path: Path) -> None:
    """Not the last deployed, not a test of the same words, not one after the alert."""
    root = write(tmp_path / "a", {}, events=COMMITS, logs=lines("ERROR ledger cursor closed before row was read"),
                 truth={"service": "front", "commit": "bad"})
    case = read_public(root)
    assert culprit_commit(case) == "bad"
    assert latest_deploy(case) == "good"


def test_no_commit_is_blamed_for_an_outside_host_or_for_nothing_in_common(tmp_path: Path) -> None:
    """Errors that name somebody else's host, and errors no change speaks of, end in "none"."""
    said = lines("ERROR ledger POST https://api.bank.com returned 503")
    outside = write(tmp_path / "a", {}, events=COMMITS, logs=said)
    assert culprit_commit(read_public(outside)) == NONE
    other = write(tmp_path / "b", {}, events=COMMITS[:1], logs=lines("ERROR wheel fell off"))
    assert culprit_commit(read_public(other)) == NONE


def test_scores_are_counts_of_places_with_an_interval(tmp_path: Path) -> None:
    """Two cases, one right: AC@1 one half, its interval wide; the page says so."""
    series = {("mill", "cpu"): wave(0.2, 0.9), ("bank", "cpu"): wave(0.2), ("front", "cpu"): wave(0.2)}
    write(tmp_path / "set" / "a", series)
    write(tmp_path / "set" / "b", series, truth={"service": "bank"})
    rows = measure([tmp_path])
    ours = next(r for r in table(rows) if r["method"] == "culprit")
    assert (ours["n"], ours["ac1"]) == (2, 0.5)
    low, high = interval(0.5, 2)
    assert low < 0.15
    assert high > 0.85
    assert "| set | 2 | culprit | 0.500 |" in page(rows)
    assert chance(4, 3) == 0.75


def test_baro_that_does_not_run_is_an_error_not_a_zero(tmp_path: Path) -> None:
    """An interpreter that is not there: BadInput, so that no figure is printed in BARO's name."""
    case = read_public(write(tmp_path / "a", {("mill", "cpu"): wave(0.2)}))
    with pytest.raises(BadInput):
        baro([case], tmp_path / "no-python")
