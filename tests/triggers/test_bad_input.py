"""Whatever is thrown at the webhook: a clear answer, all or nothing stored, and the door stays open."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from config.tables import signals
from tests.triggers.parts import alert, body, payload, settings_for
from triggers.wiring import Store, build_app, build_store

GOOD = {"Authorization": "Bearer right"}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Store]:
    http = {"auth": {"token": "right", "user": "am", "password": "pw"}, "max_body_bytes": 200_000, "max_alerts": 100}
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}", http=http), publishers=())
    yield store
    store.close()


@pytest.fixture
def http(guarded: Store) -> Iterator[TestClient]:
    with TestClient(build_app(guarded), raise_server_exceptions=False) as client:
        yield client


def stored(store: Store) -> int:
    with store.database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(signals)).scalar_one())


def _with(**fields: Any) -> bytes:
    return json.dumps({**payload(), **fields}).encode()


BAD: dict[str, tuple[bytes, int]] = {
    "not json": (b"hello", 400),
    "empty": (b"", 400),
    "cut off": (body()[:-9], 400),
    "not utf-8": (body().replace(b"firing", b"f\xff\xfering"), 400),
    "utf-16": (body().decode().encode("utf-16"), 400),
    "a list": (b"[]", 400),
    "deeply nested": (b'{"a":' * 50_00 + b"1" + b"}" * 50_00, 400),
    "nested lists": (b'{"version":"4","alerts":' + b"[" * 60_000 + b"]" * 60_000 + b"}", 400),
    "duplicate keys": (body()[:-1] + b', "alerts": []}', 400),
    "NaN": (_with(truncatedAlerts=float("nan")), 400),
    "a huge number": (b'{"version":"4","truncatedAlerts":' + b"9" * 6_000 + b"}", 400),
    "unknown version": (_with(version="5"), 400),
    "version as a number": (_with(version=4), 400),
    "no alerts": (_with(alerts=[]), 400),
    "alerts of a wrong type": (_with(alerts={"a": 1}), 400),
    "one bad alert among good ones": (_with(alerts=[alert(), {**alert(), "startsAt": "yesterday"}]), 400),
    "labels of a wrong type": (_with(alerts=[{**alert(), "labels": {"a": {"b": 1}}}]), 400),
    "no labels": (_with(alerts=[{**alert(), "labels": {}}]), 400),
    "too many alerts": (_with(alerts=[alert()] * 101), 400),
    "too large": (_with(receiver="x" * 200_000), 413),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_payloads_are_refused_and_store_nothing(http: TestClient, guarded: Store, name: str) -> None:
    """Each is a clear 4xx; nothing is stored, and the next good payload is accepted."""
    sent, code = BAD[name]
    answer = http.post("/webhooks/alertmanager", content=sent, headers=GOOD)
    assert answer.status_code == code, answer.text
    assert len(answer.json()["detail"]) > 10
    assert stored(guarded) == 0
    assert http.post("/webhooks/alertmanager", content=body(), headers=GOOD).status_code == 202
    assert stored(guarded) == 1


def test_a_20_mb_body_is_refused_before_it_is_read(http: TestClient, guarded: Store) -> None:
    """By its declared length at once; a sender that does not declare one is stopped at the limit."""
    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000_000

    assert http.post("/webhooks/alertmanager", content=b"x" * 20_000_000, headers=GOOD).status_code == 413
    assert http.post("/webhooks/alertmanager", content=endless(), headers=GOOD).status_code == 413
    assert stored(guarded) == 0


@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer wrong", "bearer rightright", "Basic !!!", "Basic YW06cHc9", "Basic YW06eA==",
    "Bearer r\u0131ght".encode(), "Digest right"])
def test_without_the_right_credentials_nothing_is_stored_or_shown(
    http: TestClient, guarded: Store, header: str | bytes | None
) -> None:
    """401 on webhook, reads, feedback and metrics; health stays open."""
    headers = {} if header is None else {"Authorization": header}
    assert http.post("/webhooks/alertmanager", content=body(), headers=headers).status_code == 401
    for path in ("/incidents", "/incidents/x", "/metrics"):
        assert http.get(path, headers=headers).status_code == 401
    assert http.post("/incidents/x/feedback", json={"author": "a"}, headers=headers).status_code == 401
    assert http.get("/healthz", headers=headers).status_code == 200
    assert http.get("/readyz", headers=headers).status_code == 200
    assert stored(guarded) == 0


def test_basic_credentials_work_too(http: TestClient) -> None:
    """Alertmanager's basic_auth is as good as a bearer token."""
    assert http.post("/webhooks/alertmanager", content=body(), auth=("am", "pw")).status_code == 202


@pytest.mark.parametrize("starts", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2999-01-01T00:00:00+09:00"])
def test_old_and_future_times_are_accepted(http: TestClient, guarded: Store, starts: str) -> None:
    """Replayed alerts and senders with wrong clocks are taken whole; delivering them twice stores them once."""
    for _ in range(2):
        assert http.post("/webhooks/alertmanager", content=body(alert(starts=starts)), headers=GOOD).status_code == 202
    if not starts.startswith("0001"):
        assert stored(guarded) == 1


def test_odd_text_is_kept(http: TestClient, guarded: Store) -> None:
    """Korean, quotes, NUL and lone surrogates in labels do no harm."""
    odd = alert("지연 '높음\" ; DROP TABLE signals --\x00\ud800", service="a\nb")
    assert http.post("/webhooks/alertmanager", content=body(odd), headers=GOOD).status_code == 202
    assert stored(guarded) == 1


def test_a_locked_database_is_our_trouble(tmp_path: Path) -> None:
    """5xx with Retry-After while the database cannot be written; the same payload is accepted afterwards."""
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=())
    store.database.engine.dispose()
    store.database._busy_ms = 100
    with TestClient(build_app(store)) as http:
        other = sqlite3.connect(tmp_path / "c.db")
        other.execute("BEGIN IMMEDIATE")
        answer = http.post("/webhooks/alertmanager", content=body())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        other.rollback()
        other.close()
        assert stored(store) == 0
        assert http.post("/webhooks/alertmanager", content=body()).status_code == 202
    assert stored(store) == 1
    store.close()


def test_a_full_disk_is_our_trouble(tmp_path: Path) -> None:
    """5xx once the file cannot grow; every alert that was answered 2xx is there, and with room it goes on."""
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=())
    pages = [120]

    @sa.event.listens_for(store.database.engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages[0]}")

    def send(number: int) -> int:
        long = alert(fingerprint=f"f{number}", service=f"s{number}", note="x" * 5_000)
        return http.post("/webhooks/alertmanager", content=body(long)).status_code

    store.database.engine.dispose()  # the connections that know no limit
    with TestClient(build_app(store), raise_server_exceptions=False) as http:
        codes = [send(number) for number in range(60)]
        taken = {f"f{number}" for number, code in enumerate(codes) if code == 202}
        assert set(codes) == {202, 503}
        assert codes[-1] == 503
        pages[0] = 100_000
        store.database.engine.dispose()
        with store.database.read() as connection:
            assert set(connection.execute(sa.select(signals.c.fingerprint)).scalars()) == taken
        assert send(60) == 202
    store.close()


def test_unknown_incidents_are_404(http: TestClient) -> None:
    """Reading or judging what is not there says so."""
    assert http.get("/incidents/inc-none", headers=GOOD).status_code == 404
    said = http.post("/incidents/inc-none/feedback", json={"author": "a"}, headers=GOOD)
    assert said.status_code == 404
    assert http.post("/incidents/x/feedback", json={"author": "a", "cause": "maybe"}, headers=GOOD).status_code == 422
