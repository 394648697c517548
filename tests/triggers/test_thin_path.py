"""From a webhook body over HTTP to a published diagnosis, in one process."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from tests.triggers.parts import alert, payload, run_until, settings_for
from triggers.fake_investigator import ScriptedInvestigator
from triggers.fake_publisher import RecordingPublisher
from triggers.wiring import build_app, build_store, build_worker


async def test_an_alert_becomes_a_published_diagnosis(tmp_path: Path) -> None:
    """A payload is committed, grouped, claimed, investigated, published and readable, and feedback on it is kept."""
    sent = RecordingPublisher()
    store = build_store(settings_for(f"sqlite:///{tmp_path / 'c.db'}"), publishers=(sent,))
    with TestClient(build_app(store)) as http:
        answer = http.post("/webhooks/alertmanager", json=payload(alert(service="api", severity="critical")))
        assert (answer.status_code, answer.json()["signals"]) == (202, 1)
        investigator = ScriptedInvestigator()
        await run_until(build_worker(store, investigator), lambda: len(sent.messages) >= 2)
        (listed,) = http.get("/incidents").json()["incidents"]
        assert (listed["state"], listed["severity"], listed["signals"]) == ("done", "critical", 1)
        shown = http.get(f"/incidents/{listed['id']}").json()
        assert shown["diagnosis"]["verdict"] == "undetermined"
        assert shown["signals"][0]["labels"]["service"] == "api"
        said = {"author": "kim", "cause": "wrong", "comment": "캐시였습니다", "correction": {"category": "work_lost"}}
        for stored in (True, False):
            answer = http.post(f"/incidents/{listed['id']}/feedback", json=said, headers={"Idempotency-Key": "k1"})
            assert (answer.status_code, answer.json()["stored"]) == (201, stored)
        (kept,) = http.get(f"/incidents/{listed['id']}").json()["feedback"]
        assert (kept["comment"], kept["run_id"]) == ("캐시였습니다", shown["run_id"])
        assert b"culprit_incidents" in http.get("/metrics").content
    assert [m.kind for m in sent.messages] == ["announced", "diagnosed"]
    assert sent.messages[1].thread == sent.references[sent.messages[0].marker]
    assert len(investigator.asked) == 1
    store.close()
