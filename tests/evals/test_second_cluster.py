"""Two clusters out of one recording: the second dies, or only goes out of sight; the two are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.codes import Category
from config.errors import BadInput
from evals.case import BUNDLED, load_case
from evals.case_files import CaseFiles, read_case_files, write_case_files
from evals.check import check_case
from evals.label import load_label
from evals.mutate import mutate, named
from evals.second_cluster import BALANCER
from tools.recorded.check import Severity
from tools.recorded.world import open_world

HEALTHY = BUNDLED / "f22-g"


def edited(edit: str) -> CaseFiles:
    return mutate(read_case_files(HEALTHY), [named(edit)], id="two")


def lines(files: CaseFiles, service: str) -> list[Any]:
    return [e for s in files["logs.jsonl"] if s["labels"]["service"] == service for e in s["entries"]]



@pytest.mark.parametrize("edit", ["cluster-down", "cluster-unseen"])
def test_the_edited_case_is_whole(tmp_path: Path, edit: str) -> None:
    """No error by the case check; what is right names the second cluster or its host."""
    write_case_files(edited(edit), tmp_path / "two")
    assert [p for p in check_case(tmp_path / "two") if p.severity is Severity.ERROR] == []
    assert load_label(tmp_path / "two").causes[0].component.name.endswith("-2")


def test_a_dead_cluster_says_nothing_more_and_its_share_of_requests_fails(tmp_path: Path) -> None:
    """No line, no sample but `up` = 0 and no observation of it after the onset; the balancer's 502 are its requests."""
    files = edited("cluster-down")
    write_case_files(files, tmp_path / "two")
    onset = load_label(tmp_path / "two").onset
    assert onset is not None
    late = [e for s in files["logs.jsonl"] if s["labels"]["container"].endswith("-2") for e in s["entries"]
            if e[0] >= onset * 1_000_000]
    assert late == []
    balanced = lines(files, BALANCER)
    failed = [e for e in balanced if ' 502 ' in e[1]]
    after = [e for e in balanced if e[0] >= onset * 1_000_000]
    assert min(e[0] for e in failed) >= onset * 1_000_000
    assert 0.4 < len(failed) / len(after) < 0.6
    ups = [row for row in files["metrics.jsonl"] if row.get("labels", {}).get("__name__") == "up"
           and row["labels"]["cluster"].endswith("-2")]
    assert ups
    assert all(not any(v for t, v in zip(row["ms"], row["values"], strict=True) if t >= onset) for row in ups)


def test_a_cluster_out_of_sight_goes_on_serving() -> None:
    """Its lines go on and the balancer's log shows no failure."""
    files = edited("cluster-unseen")
    assert not any(' 502 ' in e[1] for e in lines(files, BALANCER))
    first, second = (lines(files, s) for s in ("worker", "worker-2"))
    assert len(first) == len(second)


@pytest.mark.parametrize(("edit", "category"), [
    ("cluster-down", Category.CLUSTER_DOWN), ("cluster-unseen", Category.MONITORING_BLIND)])
async def test_death_and_blindness_are_told_apart(tmp_path: Path, edit: str, category: Category) -> None:
    """The same targets are gone in both; what users meet decides."""
    write_case_files(edited(edit), tmp_path / "two")
    case = load_case(tmp_path / "two")
    investigation = assemble(open_world(tmp_path / "two"))
    found = await investigation.investigate(case.incident(), run_id="r", asked_at_ms=case.now_ms)
    assert [h.category for h in found.hypotheses if h.status == "root"] == [category]


def test_a_case_of_two_clusters_is_not_doubled_again() -> None:
    """The edit needs a case of one cluster."""
    with pytest.raises(BadInput, match="several clusters"):
        mutate(edited("cluster-down"), [named("cluster-unseen")])
