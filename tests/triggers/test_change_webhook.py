"""Announced changes: who may announce, what each sender's body means, and that each is kept once and read back."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.triggers.parts import settings_for
from tools.sources.changes import Change
from tools.sources.kept_changes import KeptChanges
from triggers.wiring import Store, build_app, build_change_log, build_store

TOKEN, GITHUB, GITLAB = "door-token-1", "github-secret-1", "gitlab-token-1"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
AT, AT_MS = "2026-11-20T10:00:00Z", 1_795_168_800_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    door = {"github_secret": GITHUB, "gitlab_token": GITLAB, "services": {"chat-deploy": "worker"},
            "clusters": {"production": "seoul"}}
    found = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}",
                                     http={"auth": {"token": TOKEN}, "changes": door, "max_body_bytes": 200_000}))
    yield found
    found.close()


@pytest.fixture
def http(store: Store) -> TestClient:
    return TestClient(build_app(store))


async def kept(store: Store, cluster: str = "") -> tuple[Change, ...]:
    return await KeptChanges(store.database, cluster=cluster).between(start_ms=0, end_ms=time.time_ns())


def signed(body: dict[str, Any], event: str, secret: str = GITHUB) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return {"content": raw, "headers": {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={signature}",
                                        "X-GitHub-Delivery": f"d-{event}"}}


DEPLOYED = {
    "repository": {"name": "chat-deploy"}, "sender": {"login": "kim"},
    "deployment_status": {"state": "success", "updated_at": AT, "description": "배포 완료"},
    "deployment": {"environment": "production", "sha": "9fceb02", "ref": "main", "payload": {"colour": "green"}},
}
JENKINS = {"name": "chat-deploy", "build": {
    "number": 42, "phase": "FINALIZED", "status": "SUCCESS", "timestamp": AT_MS,
    "parameters": {"COLOUR": "green", "DB_PASSWORD": "hunter2hunter2"}, "scm": {"commit": "9fceb02"}}}
GITLAB_BODY = {"object_kind": "deployment", "status": "success", "status_changed_at": "2026-11-20 19:00:00 +0900",
               "project": {"name": "chat-deploy"}, "short_sha": "9fceb02", "environment": "production",
               "user": {"username": "lee"}, "deployment_id": 7}
ARGO = {"app": {"metadata": {"name": "chat-deploy"}, "spec": {"destination": {"name": "production"}}, "status": {
    "operationState": {"phase": "Succeeded", "finishedAt": AT, "syncResult": {"revision": "9fceb02"}},
    "summary": {"images": ["worker:42"]}}}}


async def test_the_plain_form_is_kept_whole_and_read_by_the_world(http: TestClient, store: Store) -> None:
    """Every field of a change comes back from the changes source, Korean text and attributes with it."""
    told = {"kind": "switch", "at": AT, "service": "api", "colour": "green", "build": "42", "by": "ci", "text": "전환",
            "source": "build server", "mode": "", "attributes": {"from": "blue"}}
    answer = http.post("/webhooks/changes", json=told, headers=BEARER)
    assert (answer.status_code, answer.json()) == (202, {"status": "stored", "changes": 1, "repeated": 0})
    assert await kept(store) == (Change(AT_MS, "switch", "api", "green", "42", "ci", "전환", "build server", "",
                                        {"from": "blue"}),)
    assert await KeptChanges(store.database).between(start_ms=AT_MS + 1, end_ms=AT_MS + 9) == ()


async def test_an_announcement_sent_again_is_kept_once(http: TestClient, store: Store) -> None:
    """Retries of the same body, or with the same id, change nothing."""
    one = {"service": "api", "at": AT}
    for told in (one, one, {"service": "api", "id": "b-42"}, {"service": "api", "id": "b-42"}):
        assert http.post("/webhooks/changes", json=told, headers=BEARER).status_code == 202
    assert len(await kept(store)) == 2


@pytest.mark.parametrize("request_", [
    {"json": JENKINS, "headers": BEARER},
    signed(DEPLOYED, "deployment_status"),
    {"json": GITLAB_BODY, "headers": {"X-Gitlab-Event": "Deployment Hook", "X-Gitlab-Token": GITLAB}},
    {"json": ARGO, "headers": BEARER},
], ids=["jenkins", "github", "gitlab", "argo cd"])
async def test_each_senders_deploy_becomes_a_deploy(http: TestClient, store: Store, request_: dict[str, Any]) -> None:
    """Service by its mapped name, moment to the second, the build, and no secret of its parameters."""
    assert http.post("/webhooks/changes", **request_).status_code == 202
    (change,) = await kept(store)
    assert (change.kind, change.service, change.at_ms) == ("deploy", "worker", AT_MS)
    assert "9fceb02" in f"{change.build} {dict(change.attributes)}"
    assert "hunter2" not in repr(change)
    other = () if change.source == "jenkins" else (change,)
    assert (await kept(store, "seoul"), await kept(store, "busan")) == ((change,), () if other else (change,))


@pytest.mark.parametrize("request_", [
    {"json": {**JENKINS, "build": {**JENKINS["build"], "phase": "STARTED"}}, "headers": BEARER},
    signed({"zen": "ping"}, "ping"),
    signed({**DEPLOYED, "deployment_status": {"state": "pending"}}, "deployment_status"),
    {"json": {**GITLAB_BODY, "status": "running"}, "headers": {"X-Gitlab-Event": "x", "X-Gitlab-Token": GITLAB}},
], ids=["a started job", "a ping", "a pending deployment", "a running deployment"])
async def test_what_changed_nothing_is_accepted_and_not_kept(
    http: TestClient, store: Store, request_: dict[str, Any]
) -> None:
    """202, so that the sender does not repeat it, and no change."""
    answer = http.post("/webhooks/changes", **request_)
    assert (answer.status_code, answer.json()["changes"]) == (202, 0)
    assert await kept(store) == ()


@pytest.mark.parametrize("request_", [
    {"json": JENKINS},
    {"json": JENKINS, "headers": {"Authorization": "Bearer wrong"}},
    signed(DEPLOYED, "deployment_status", secret="another"),
    {"json": DEPLOYED, "headers": {"X-GitHub-Event": "deployment_status", **BEARER}},
    {"json": GITLAB_BODY, "headers": {"X-Gitlab-Event": "x", "X-Gitlab-Token": "wrong"}},
    {"json": GITLAB_BODY, "headers": {"X-Gitlab-Event": "x"}},
], ids=["nothing", "wrong token", "wrong signature", "no signature", "wrong gitlab token", "no gitlab token"])
async def test_who_cannot_prove_itself_is_turned_away(http: TestClient, store: Store, request_: dict[str, Any]) -> None:
    """401 and nothing kept; a body that was changed after signing is one of these."""
    assert http.post("/webhooks/changes", **request_).status_code == 401
    assert await kept(store) == ()


def test_a_signature_is_of_the_bytes_as_sent(http: TestClient) -> None:
    """One more space in the body breaks it."""
    request_ = signed(DEPLOYED, "deployment_status")
    assert http.post("/webhooks/changes", content=request_["content"] + b" ",
                     headers=request_["headers"]).status_code == 401


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{", b'{"kind": "dance"}', b'{"service": 5}', b'{"unknown": 1}', b'{"changes": 7}',
    b'{"at": "yesterday"}',
    b'{"at": NaN}', b'{"service": "a", "service": "b"}', b'{"build": {"phase": "FINALIZED"}}', b"\xff\xfe",
    json.dumps({"changes": [{}] * 501}).encode(), json.dumps({"service": "x" * 201}).encode(),
])
async def test_what_can_never_be_accepted_is_a_400(http: TestClient, store: Store, body: bytes) -> None:
    """Malformed, unknown, doubled or too much: 400 with a reason, and nothing is kept."""
    answer = http.post("/webhooks/changes", content=body, headers=BEARER)
    assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)
    assert await kept(store) == ()


def test_a_large_body_is_a_413(http: TestClient) -> None:
    """Beyond the limit nothing is read on."""
    assert http.post("/webhooks/changes", content=b"x" * 200_001, headers=BEARER).status_code == 413


async def test_a_time_ahead_of_ours_is_the_arrival(http: TestClient, store: Store) -> None:
    """A sender's clock that runs ahead must not hide its change behind `asked_at`."""
    before = time.time_ns() // 1_000_000
    http.post("/webhooks/changes", json={"service": "api", "at": "2099-01-01T00:00:00Z"}, headers=BEARER)
    (change,) = await kept(store)
    assert before <= change.at_ms <= time.time_ns() // 1_000_000


async def test_old_changes_are_forgotten(http: TestClient, store: Store) -> None:
    """Beyond the retention they go; newer ones stay."""
    for at in ("2020-01-01T00:00:00Z", None):
        http.post("/webhooks/changes", json={"service": "api", "at": at}, headers=BEARER)
    assert build_change_log(store).forget_old() == 1
    assert len(await kept(store)) == 1
