"""The lab's host as a guest sees it."""

from __future__ import annotations

from pathlib import Path

from evals.lab.host_slice import HZ, HostSlice, render_stat

SECOND = 1_000_000_000


def fields(text: str, name: str) -> list[int]:
    row = next(line for line in text.splitlines() if line.split()[0] == name)
    return [int(number) for number in row.split()[1:]]


def test_what_the_slice_did_not_use_is_idle() -> None:
    """User and system time are the slice's; idle is the rest of the uptime, for each CPU."""
    text = render_stat([10 * SECOND, 0], [5 * SECOND, 0], 100.0, "btime 1")
    assert fields(text, "cpu0")[:4] == [10 * HZ, 0, 5 * HZ, 85 * HZ]
    assert fields(text, "cpu1")[3] == 100 * HZ
    assert fields(text, "cpu")[3] == 185 * HZ
    assert text.endswith("btime 1\n")


def test_neighbours_do_not_show(tmp_path: Path) -> None:
    """The file written holds the group's counters, whatever /proc/stat of the machine says."""
    group = tmp_path / "cgroup" / "cpuacct" / "lab-x"
    group.mkdir(parents=True)
    proc = tmp_path / "machine"
    proc.mkdir()
    (proc / "uptime").write_text("50.00 1.00\n")
    (proc / "stat").write_text("cpu  999999 0 999999 0 0 0 0 0 0 0\nbtime 77\n")
    (group / "cpuacct.usage_percpu_user").write_text(f"{2 * SECOND} \n")
    (group / "cpuacct.usage_percpu_sys").write_text(f"{SECOND} \n")
    host = HostSlice("lab-x", tmp_path / "run", cgroups=tmp_path / "cgroup", proc=proc)
    host.procfs.mkdir(parents=True)
    host.refresh()
    assert fields((host.procfs / "stat").read_text(), "cpu0")[:4] == [2 * HZ, 0, HZ, 47 * HZ]


def test_a_machine_without_the_counters_is_not_pretended(tmp_path: Path) -> None:
    """Without cgroup v1 accounting the slice is not usable and opening it changes nothing."""
    host = HostSlice("lab-x", tmp_path, cgroups=tmp_path / "none")
    assert not host.usable
    host.open()
    assert not host.procfs.exists()
