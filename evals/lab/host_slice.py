"""The lab's host as a guest sees it: its CPU counters are those of the lab's own cgroup, not of the whole machine.

Labs run side by side, and beside whatever else the machine does: without this every recording would show the CPU of
its neighbours as its own. A container guest gets such a view from lxcfs; here a thread rewrites `stat` of a private
procfs folder every second and node_exporter reads that folder. Memory, disks and network stay the machine's.

Needs cgroup v1 with a writable root; elsewhere `usable` is false and node_exporter reads the machine's own /proc.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

log = logging.getLogger(__name__)
CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
SHARES = 8192  # other groups have 1024: a busy machine must not starve the lab of its few per cent
HZ = os.sysconf("SC_CLK_TCK")
NANOSECONDS_A_TICK = 1_000_000_000 // HZ


class HostSlice:
    """One parent cgroup `/name` for containers of the lab's host. `open` before the first container, `close` last."""

    def __init__(self, name: str, folder: Path, *, cgroups: Path = CGROUPS, proc: Path = PROC) -> None:
        self.name = name
        self.procfs = folder / "proc"
        self._cgroups = cgroups
        self._proc = proc
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def usable(self) -> bool:
        """Whether this machine has the counters it is made of."""
        return (self._cgroups / "cpuacct" / "cpuacct.usage_percpu_user").exists()

    def open(self) -> None:
        """Makes the group and keeps its procfs fresh."""
        if not self.usable:
            log.warning("no cgroup v1 CPU accounting: node metrics will show the whole machine")
            return
        for controller in ("cpu", "cpuacct"):
            (self._cgroups / controller / self.name).mkdir(exist_ok=True)
        (self._cgroups / "cpu" / self.name / "cpu.shares").write_text(str(SHARES), encoding="ascii")
        self.procfs.mkdir(parents=True, exist_ok=True)
        for entry in ("1", "self", "meminfo", "diskstats", "vmstat", "net", "mounts", "sys", "uptime"):
            if not (self.procfs / entry).exists():
                (self.procfs / entry).symlink_to(self._proc / entry)
        self.refresh()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(1.0):
            try:
                self.refresh()
            except OSError as error:
                log.warning("host slice %s: %s", self.name, error)

    def refresh(self) -> None:
        """Writes `stat` by rename, so that a reader never sees half a file."""
        group = self._cgroups / "cpuacct" / self.name
        user = _per_cpu(group / "cpuacct.usage_percpu_user")
        system = _per_cpu(group / "cpuacct.usage_percpu_sys")
        uptime = float((self._proc / "uptime").read_text(encoding="ascii").split()[0])
        boot = next(line for line in (self._proc / "stat").read_text(encoding="ascii").splitlines() if "btime" in line)
        partial = self.procfs / "stat.new"
        partial.write_text(render_stat(user, system, uptime, boot), encoding="ascii")
        partial.rename(self.procfs / "stat")

    def close(self) -> None:
        """Stops refreshing and removes the group; the containers must be gone."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        for controller in self._cgroups.glob(f"*/{self.name}"):
            try:
                controller.rmdir()
            except OSError as error:
                log.warning("cgroup %s stays: %s", controller, error.strerror)


def _per_cpu(path: Path) -> list[int]:
    return [int(number) for number in path.read_text(encoding="ascii").split()]


def render_stat(user_ns: list[int], system_ns: list[int], uptime_s: float, boot_line: str) -> str:
    """/proc/stat of the slice: what its tasks used, everything else idle. Fields as in proc(5), in clock ticks."""
    rows = []
    for user, system in zip(user_ns, system_ns, strict=True):
        used = (user // NANOSECONDS_A_TICK, system // NANOSECONDS_A_TICK)
        rows.append((used[0], 0, used[1], max(0, round(uptime_s * HZ) - sum(used)), 0, 0, 0, 0, 0, 0))
    total = tuple(sum(column) for column in zip(*rows, strict=True))
    lines = [f"cpu  {' '.join(map(str, total))}"]
    lines += [f"cpu{number} {' '.join(map(str, row))}" for number, row in enumerate(rows)]
    return "\n".join([*lines, boot_line]) + "\n"
