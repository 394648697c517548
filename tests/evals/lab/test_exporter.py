"""Container metrics under cAdvisor's names."""

from __future__ import annotations

from evals.lab.roles.exporter import exposition

INSPECT = {
    "Id": "c" * 64,
    "Name": "/worker-blue",
    "Config": {"Image": "worker:41"},
    "HostConfig": {"NanoCpus": 80_000_000, "Memory": 1000},
    "State": {"StartedAt": "2026-11-21T01:00:00.123456789Z"},
}
STATS = {
    "cpu_stats": {
        "cpu_usage": {"total_usage": 1_500_000_000, "usage_in_usermode": 1, "usage_in_kernelmode": 2},
        "throttling_data": {"periods": 10, "throttled_periods": 4, "throttled_time": 5},
    },
    "memory_stats": {"usage": 900, "stats": {"total_inactive_file": 100}},
    "pids_stats": {"current": 3},
    "networks": {"eth0": {"rx_bytes": 7, "tx_bytes": 8, "rx_packets": 1, "tx_packets": 1}},
}


def lines(timestamps: bool) -> dict[str, str]:
    text = exposition([(INSPECT, STATS)], timestamps=timestamps)
    return {row.split("{")[0]: row for row in text.splitlines() if not row.startswith("#")}


def test_names_and_labels_are_cadvisors() -> None:
    """CPU, throttling, memory and network carry cAdvisor's names with the container's name and image."""
    found = lines(timestamps=False)
    assert 'name="worker-blue"' in found["container_cpu_usage_seconds_total"]
    assert 'image="worker:41"' in found["container_cpu_usage_seconds_total"]
    assert found["container_cpu_usage_seconds_total"].endswith(" 1.5")
    assert found["container_cpu_cfs_throttled_periods_total"].endswith(" 4")
    assert found["container_memory_working_set_bytes"].endswith(" 800")
    assert found["container_spec_cpu_quota"].endswith(" 8000.0")
    assert 'interface="eth0"' in found["container_network_receive_bytes_total"]


def test_explicit_timestamps_are_a_choice() -> None:
    """With the option every sample ends in milliseconds, as cAdvisor's do; without it none does."""
    assert all(len(row.rsplit(" ", 1)[1]) == 13 for row in lines(timestamps=True).values())
    assert len(lines(timestamps=False)["container_processes"].split()) == 2


def test_an_unlimited_container_has_no_quota() -> None:
    """No CPU limit means no periods and no quota, not a quota of zero."""
    free = {**INSPECT, "HostConfig": {"NanoCpus": 0, "Memory": 0}}
    text = exposition([(free, STATS)], timestamps=False)
    assert "cfs_periods" not in text
    assert "spec_cpu_quota" not in text
