"""What the recorder keeps of Docker's answers, and what never leaves it."""

from __future__ import annotations

import json

from evals.lab.observe import (
    alert_record,
    blocked_clients,
    container_record,
    digest,
    environment_keys,
    event_record,
    processes,
    profile,
    stats_record,
)

INSPECT = {
    "Name": "/worker-blue",
    "Id": "a" * 64,
    "Image": "sha256:" + "b" * 64,
    "Created": "2026-11-21T01:02:03.456789123Z",
    "RestartCount": 2,
    "State": {
        "Status": "exited",
        "Running": False,
        "StartedAt": "2026-11-21T01:02:04Z",
        "OOMKilled": True,
        "FinishedAt": "2026-11-21T01:05:00.5Z",
        "ExitCode": 137,
    },
    "Config": {
        "Image": "worker:41",
        "Cmd": ["python3", "-m", "chat.worker"],
        "Entrypoint": None,
        "Env": ["API_KEY=sk-very-secret-value", "TZ=Asia/Seoul"],
        "Labels": {"lab": "x", "team": "chat"},
    },
    "HostConfig": {"NanoCpus": 500_000_000, "Memory": 268_435_456, "RestartPolicy": {"Name": "no"}},
    "NetworkSettings": {"Networks": {"chat": {}}},
    "Mounts": [{"Source": "/home/someone/secret-path", "Destination": "/etc/chat"}],
}


def unchanged(text: str) -> str:
    return text


def test_environment_values_never_pass() -> None:
    """A container's record has the keys of its environment; no value appears anywhere in it."""
    record = container_record(INSPECT, host="app-01", redact=unchanged)
    assert record["environment_keys"] == ["API_KEY", "TZ"]
    assert "sk-very-secret-value" not in json.dumps(record)
    assert "Asia/Seoul" not in json.dumps(record)


def test_a_record_is_allow_listed() -> None:
    """Host paths of mounts and the lab's own labels stay out; state, limits and times are kept."""
    record = container_record(INSPECT, host="app-01", redact=unchanged)
    assert "secret-path" not in json.dumps(record)
    assert record["labels"] == {"team": "chat"}
    assert (record["state"], record["exit_code"], record["oom_killed"]) == ("exited", 137, True)
    assert (record["cpu_limit"], record["memory_limit"], record["restart_count"]) == (0.5, 268_435_456, 2)
    assert record["created"] == "2026-11-21T01:02:03.456Z"


def test_a_running_container_has_no_exit_code() -> None:
    """Docker reports exit code 0 for a running container; that is not an exit."""
    running = {**INSPECT, "State": {**INSPECT["State"], "Status": "running", "Running": True}}  # type: ignore[dict-item]
    record = container_record(running, host="h", redact=unchanged)
    assert record["exit_code"] is None
    assert record["finished"] is None


def test_commands_are_redacted() -> None:
    """Command lines of containers and processes go through the redactor."""
    record = container_record(INSPECT, host="h", redact=lambda text: text.replace("chat", "[hidden]"))
    assert record["command"] == "python3 -m [hidden].worker"
    rows = processes({"Processes": [["12", "python3", "chat"]]}, lambda text: text.replace("chat", "[hidden]"))
    assert rows == [{"pid": "12", "command": "python3 [hidden]"}]


def test_peers_compare_values_without_telling_them() -> None:
    """Equal values give equal digests within one recording, another recording gives another digest."""
    facts = profile(INSPECT, service="worker", config={"concurrency": 8}, key=b"k")["facts"]
    assert facts["env.API_KEY"] == digest(b"k", "sk-very-secret-value")
    assert facts["env.API_KEY"] != digest(b"other", "sk-very-secret-value")
    assert facts["config.concurrency"] == "8"
    assert "secret" not in json.dumps(facts)


def test_asking_leaves_no_events() -> None:
    """What the recorder itself causes (top, archive-path) is no event of the system; die keeps its exit code."""
    event = {"Type": "container", "Action": "top", "timeNano": 1, "Actor": {"Attributes": {}}}
    assert event_record(event, unchanged) is None
    died = {
        "Type": "container",
        "Action": "die",
        "timeNano": 1_795_223_740_113_000_000,
        "Actor": {"Attributes": {"name": "worker-blue", "exitCode": "137", "image": "worker:41", "lab": "x"}},
    }
    assert event_record(died, unchanged) == {
        "at": "2026-11-21T01:15:40.113Z",
        "action": "die",
        "container": "worker-blue",
        "image": "worker:41",
        "exit_code": 137,
        "attributes": {},
    }


def test_stats_without_a_limit_have_no_periods() -> None:
    """A container without a CPU limit reports no periods, which is zero and not an error."""
    record = stats_record(
        "redis",
        {
            "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}},
            "memory_stats": {"usage": 7},
            "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 2}},
        },
    )
    assert record == {
        "name": "redis",
        "cpu_seconds": 2.5,
        "memory_bytes": 7,
        "network_rx_bytes": 1,
        "network_tx_bytes": 2,
        "periods": 0,
        "throttled_periods": 0,
        "pids": 0,
    }


def test_only_blocked_clients_consume() -> None:
    """A client that waits in BLPOP is a consumer; one that published once is not."""
    text = (
        "id=3 addr=10.0.0.2:1 name=worker-blue flags=b cmd=blpop\n"
        "id=4 addr=10.0.0.3:1 name=worker-green flags=N cmd=publish\n"
    )
    assert blocked_clients(text) == ["worker-blue"]


def test_a_suppressed_alert_says_by_what() -> None:
    """Alertmanager's `suppressed` is silenced or inhibited."""
    alert = {
        "labels": {"alertname": "Late"},
        "annotations": {},
        "startsAt": "2026-11-21T01:02:03.4Z",
        "status": {"state": "suppressed", "silencedBy": ["x"], "inhibitedBy": []},
    }
    assert alert_record(alert)["state"] == "silenced"
    alert["status"] = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    assert alert_record(alert)["state"] == "firing"


def test_a_value_with_an_equals_sign_is_still_a_value() -> None:
    """Only what stands before the first `=` is a key."""
    assert environment_keys(["URL=redis://x?a=b", "EMPTY="]) == ["EMPTY", "URL"]
