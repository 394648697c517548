"""Labelled series from strangers: what is read, and what is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.errors import BadInput
from evals.anomaly_csv import read_csv
from evals.anomaly_replay import replay_csv, table
from evals.anomaly_scores import Raised, Stretch, incidents, score

ISO = "timestamp,value,label\n2014-02-14 00:00:00,1,0\n2014-02-14 00:05:00,2,1\n2014-02-14 00:15:00,x,1\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "s.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_are_put_on_their_grid(tmp_path: Path) -> None:
    """A missing row and a cell that is no number are nan; labels become stretches."""
    found = read_csv(written(tmp_path, ISO))
    assert found.interval_ms == 300_000 or found.interval_ms == 450_000
    assert found.labelled


@pytest.mark.parametrize("moments", [
    ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"],
    ["1416726000", "1416729600", "1416733200"],
    ["1416726000000", "1416729600000", "1416733200000"], ["1", "2", "3"],
    ["1416726000000000000", "1416729600000000000", "1416733200000000000"],
    ["2026/01/01 00:00", "2026/01/01 01:00", "2026/01/01 02:00"],
])
def test_times_are_read_as_people_write_them(tmp_path: Path, moments: list[str]) -> None:
    """ISO with and without zone, epochs of four sizes, counted steps: an hour apart each."""
    rows = "\n".join(f"{m},{i}" for i, m in enumerate(moments))
    found = read_csv(written(tmp_path, f"timestamp,value\n{rows}\n"))
    assert (found.interval_ms, found.values["value"].tolist()) == (3_600_000, [0.0, 1.0, 2.0])


def test_no_header_several_columns_any_order(tmp_path: Path) -> None:
    """A file without names, doubled and unsorted rows, semicolons, a byte-order mark."""
    found = read_csv(written(tmp_path, "\ufeff7200;3;30\n0;1;10\n3600;2;20\n3600;2;20\n"))
    assert [v.size for v in found.values.values()] == [3]
    several = read_csv(written(tmp_path, "time,a,b,anomaly\n0,1,5,0\n1,2,6,1\n2,3,7,0\n"))
    assert list(several.values) == ["a", "b"]
    assert several.events == (Stretch("labelled", 1, 2),)


def test_rows_without_a_time_are_steps(tmp_path: Path) -> None:
    """`data,label`: the row is the time."""
    found = read_csv(written(tmp_path, "data,label\n5,0\n6,1\n7,0\n"))
    assert (list(found.values), found.values["data"].tolist()) == (["data"], [5.0, 6.0, 7.0])
    assert found.events == (Stretch("labelled", 1, 2),)


@pytest.mark.parametrize("text", [
    "", "timestamp,value\n", "a,b\nx,y\nz,w\n", "timestamp,value\n5,1\n5,2\n5,3\n", b"\x00\xff\xfe\x00" * 50,
    "timestamp,value\n1,a\n2,b\n3,c\n", "timestamp,value\n100000000,1\n100000001,2\n100000002,3\n999999999,3\n",
    "timestamp\n1\n2\n3\n",
    "timestamp,value\n1e308,1\n1e309,2\nnan,3\n",
])
def test_what_is_no_series_is_refused(tmp_path: Path, text: str | bytes) -> None:
    """Empty, no times, one time, binary, no numbers, times absurdly far apart: BadInput, no crash."""
    with pytest.raises(BadInput):
        read_csv(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """BadInput with the name."""
    with pytest.raises(BadInput, match=r"none\.csv"):
        read_csv(tmp_path / "none.csv")


def test_an_unknown_series_with_a_season_is_judged_sensibly(tmp_path: Path) -> None:
    """Hourly, daily season, six jumps of a third: most are caught at once, with few false alarms."""
    rng, hours = np.random.default_rng(5), np.arange(1_400)
    values = 1_000 + 400 * np.sin(hours / 24 * 2 * np.pi) + 30 * rng.standard_normal(hours.size)
    jumps = [400, 612, 800, 1000, 1201, 1350]
    values[jumps] += 500
    rows = "\n".join(f"{h},{v:.1f},{int(h in jumps)}" for h, v in zip(hours, values, strict=True))
    replay = replay_csv(read_csv(written(tmp_path, f"timestamp,value,is_anomaly\n{rows}\n")))
    found = replay.rows[0][1]
    assert found.events == 6
    assert found.recall >= 0.8
    assert found.precision >= 0.8
    assert "event F1" in table(replay.rows)


def test_scores_count_events_not_samples() -> None:
    """An alarm in a stretch or its tail catches it once; false alarms near each other are one incident."""
    events = [Stretch("a", 10, 20), Stretch("b", 100, 110, frozenset({"x"}))]
    found = score(events, [Raised(11), Raised(15), Raised(105, "y"), Raised(300), Raised(310), Raised(400)], days=2)
    assert (found.caught, found.events, found.wrong, found.delays) == (1, 2, 2, (1,))
    assert (found.precision, found.recall, found.false_per_day) == (1 / 3, 0.5, 1.0)
    assert incidents([Raised(5), Raised(1), Raised(50)], join=30) == [Raised(1), Raised(50)]
