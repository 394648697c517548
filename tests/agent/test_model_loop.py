"""A model on a scripted server drives the same graph: it may ask, conclude and be wrong; code decides."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.budget import Budget
from agent.codes import Verdict
from agent.diagnosis import Diagnosis
from agent.scripted_server import Turn, calls, says, scripted_server
from config.settings import Model
from evals.case import load_case
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.world import open_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_case(tmp_path_factory.mktemp("cases") / "tiny").folder


async def diagnose(folder: Path, script: Any, **settings: Any) -> tuple[Diagnosis, list[dict[str, Any]], list[bytes]]:
    """The diagnosis and what the server received."""
    case = load_case(folder)
    with scripted_server(script) as server:
        model = Model(base_url=server.url, main="scripted", **settings)
        investigation = assemble(open_world(folder), model=model, budget=Budget(model_seconds=2.0))
        found = await investigation.investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms)
        return found, server.requests, server.raw


def evidence_ids(request: dict[str, Any]) -> dict[str, str]:
    """question -> evidence id, as the model was told."""
    out = {}
    for m in request["messages"]:
        if m["role"] == "tool" and m["content"].startswith("E"):
            number, question = m["content"].split()[:2]
            out[question] = number
    return out


def draft(ids: dict[str, str], *claims: str, name: str = "worker-green") -> dict[str, Any]:
    work = ids["logs.activity"]
    root = {"rank": 1, "status": "root", "component": {"kind": "container", "name": name, "service": "worker"},
            "category": "role_violation", "mechanism": "the standby consumes", "confidence": 0.9, "supports": [work]}
    return {"verdict": "diagnosed", "claims": [{"text": t, "evidence": [work]} for t in claims], "hypotheses": [root],
            "actions": [{"kind": "stop_container", "targets": [name], "precondition": "capacity"}]}


HONEST = "worker-green handled 50 % of the jobs."
LIE = "worker-green handled 87 % of the jobs."


async def test_a_model_asks_and_concludes(folder: Path) -> None:
    """It asks one more question, concludes, and what it concluded is published with rendered commands."""

    def script(request: dict[str, Any], number: int) -> Turn:
        if number == 0:
            return calls(("drift_peers", {}))
        return calls(("conclude", draft(evidence_ids(request), HONEST)))

    found, requests, _ = await diagnose(folder, script)
    assert found.verdict is Verdict.DIAGNOSED
    assert found.usage.model == "scripted"
    assert found.usage.input_tokens == 200
    assert found.usage.cost_usd is None
    assert any(e["question"] == "drift.peers" for e in found.evidence)
    assert "docker stop --time 60 worker-green" in [s.command for a in found.actions for s in a.steps]
    assert {t["function"]["name"] for t in requests[0]["tools"]} >= {"logs_activity", "conclude"}


async def test_an_unsupported_number_is_sent_back_and_never_published(folder: Path) -> None:
    """The planted number is refused with its complaint; the corrected conclusion is what is published."""

    def script(request: dict[str, Any], number: int) -> Turn:
        return calls(("conclude", draft(evidence_ids(request), LIE if number == 0 else HONEST)))

    found, requests, _ = await diagnose(folder, script)
    assert len(requests) == 2
    assert "87 % is not in the cited evidence" in requests[1]["messages"][-1]["content"]
    assert [c.text for c in found.claims] == [HONEST]


async def test_a_model_that_insists_is_overruled_by_code(folder: Path) -> None:
    """After two complaints the claim is removed; with no claim left the analyst's own diagnosis is published."""

    def script(request: dict[str, Any], number: int) -> Turn:
        return calls(("conclude", draft(evidence_ids(request), LIE)))

    found, requests, _ = await diagnose(folder, script)
    assert len(requests) == 3
    assert "87" not in json.dumps([c.model_dump() for c in found.claims])
    assert found.verdict is Verdict.DIAGNOSED
    assert any(g.what == "a claim was removed" for g in found.gaps)


async def test_a_container_nobody_saw_is_never_stopped(folder: Path) -> None:
    """A hallucinated culprit is refused; the published action targets what was observed."""

    def script(request: dict[str, Any], number: int) -> Turn:
        return calls(("conclude", draft(evidence_ids(request), HONEST, name="worker-purple")))

    found, _, _ = await diagnose(folder, script)
    assert "worker-purple" not in json.dumps([a.model_dump(mode="json") for a in found.actions])
    assert all(h.component.name != "worker-purple" for h in found.hypotheses)


BAD_DAYS = {
    "500": Turn({"error": {"message": "boom"}}, 500),
    "429": Turn({"error": {"message": "slow down"}}, 429, headers={"Retry-After": "90"}),
    "401": Turn({"error": {"message": "bad key"}}, 401),
    "html with 200": Turn("<html>gateway</html>"),
    "error in 200": Turn({"error": {"message": "upstream", "code": 502}}),
    "no choices": Turn({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": []}),
    "empty reply": says(""),
    "slow": Turn({}, delay_s=4.0),
    "prose instead of tools": says("I believe it is the network."),
    "malformed tool JSON": calls(("conclude", '{"verdict": "diagn')),
    "unknown tool for ever": calls(("rm_rf", {"path": "/"})),
    "the same question for ever": calls(("changes_recent", {})),
    "wrong argument types": calls(("conclude", {"verdict": 7, "claims": "many"})),
}


@pytest.mark.parametrize("name", sorted(BAD_DAYS))
async def test_on_a_bad_day_the_analyst_still_answers(folder: Path, name: str) -> None:
    """Whatever the server does, the run ends with the analyst's verified diagnosis, and says so."""
    found, _, _ = await diagnose(folder, [BAD_DAYS[name]])
    assert found.verdict is Verdict.DIAGNOSED
    assert found.hypotheses[0].component.name == "worker-green"
    assert "analyst" in found.usage.model or any("model" in g.what for g in found.gaps)
