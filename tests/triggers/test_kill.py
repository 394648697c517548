"""A worker that dies in the middle of an investigation costs time, not incidents and not doubled messages."""

from __future__ import annotations

import signal as signals
from collections import Counter
from pathlib import Path

from tests.triggers.parts import settings_for, signal, take_in
from tests.triggers.processes import start_worker, stop, wait_for
from triggers.fake_publisher import SharedChannel
from triggers.wiring import build_store


def test_kill_9_mid_investigation_completes_once(tmp_path: Path) -> None:
    """After kill -9 another worker resumes the same run at its next step, and one diagnosis is published."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    store = build_store(settings_for(url), publishers=())
    take_in(store, signal("f1"))
    journal, channel = tmp_path / "journal.txt", SharedChannel(tmp_path / "channel.db")
    first = start_worker(url, tmp_path, "--steps", "4", "--seconds", "0.15")
    second = None
    try:
        wait_for(lambda: journal.exists() and len(journal.read_text().splitlines()) >= 2, seconds=10, what="two steps")
        first.kill()
        first.wait()
        second = start_worker(url, tmp_path, "--steps", "4", "--seconds", "0.15")
        wait_for(lambda: any(kind == "diagnosed" for _, kind, _ in channel.posts()), seconds=10, what="a diagnosis")
        second.send_signal(signals.SIGTERM)
        assert second.wait(timeout=5) == 0
    finally:
        stop(*(p for p in (first, second) if p is not None))
    assert Counter(kind for _, kind, _ in channel.posts()) == {"announced": 1, "diagnosed": 1}
    steps = [line.split() for line in journal.read_text().splitlines()]
    assert sorted(Counter(step for _, step in steps).items()) == [("0", 1), ("1", 1), ("2", 1), ("3", 1)]
    assert len({run for run, _ in steps}) == 1
    (incident,) = store.incidents.list()
    assert incident["state"] == "done"
    (run,) = store.incidents.show(incident["id"])["runs"]
    assert run["state"] == "done"
    store.close()


def test_kill_between_post_and_store_posts_once(tmp_path: Path) -> None:
    """A process that dies after posting and before storing the reference is repaired by look-up, not by a repeat."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    store = build_store(settings_for(url), publishers=())
    take_in(store, signal("f1"))
    channel = SharedChannel(tmp_path / "channel.db")
    workers = []
    try:
        workers.append(start_worker(url, tmp_path, "--steps", "0", "--die-after-post", "1"))
        assert workers[0].wait(timeout=10) == -signals.SIGKILL
        assert len(channel.posts()) == 1
        workers.append(start_worker(url, tmp_path, "--steps", "0"))
        wait_for(lambda: any(kind == "diagnosed" for _, kind, _ in channel.posts()), seconds=10, what="a diagnosis")
    finally:
        stop(*workers)
    assert Counter(kind for _, kind, _ in channel.posts()) == {"announced": 1, "diagnosed": 1}
    store.close()
