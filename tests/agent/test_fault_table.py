"""The fault table: whatever a model server does, a run ends in time, verified, and says what happened."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent.assemble import assemble
from agent.budget import Budget
from agent.chain import FAILURES
from agent.codes import Verdict
from agent.diagnosis import Diagnosis
from agent.scripted_server import Script, ScriptedServer, Turn, calls, completion, says, scripted_server
from config.settings import Model
from evals.case import load_case
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.world import open_world

SECONDS = 12.0


def conclusion(verdict: str = "diagnosed", **fields: Any) -> dict[str, Any]:
    return {"verdict": verdict, "claims": [], "hypotheses": [], "actions": [], **fields}


def root(**fields: Any) -> dict[str, Any]:
    return {"rank": 1, "status": "root", "component": {"kind": "container", "name": "worker-green"},
            "category": "role_violation", "mechanism": "it consumes", "confidence": 0.9, "supports": ["E2"], **fields}


def no_fault_then_fault(_request: Any, number: int) -> Turn:
    """Contradicts itself from turn to turn."""
    said = conclusion("no_fault") if number % 2 else conclusion("diagnosed", hypotheses=[root(supports=["E99"])])
    return calls(("conclude", said))


BROKEN = completion({"role": "assistant", "content": None, "tool_calls": [{"id": 7, "type": "function"}]}, "tool_calls")
FAULTS: dict[str, Script | list[Turn]] = {
    "400 bad request": [Turn({"error": {"message": "unknown field", "type": "invalid_request_error"}}, 400)],
    "401 bad key": [Turn({"error": {"message": "bad key"}}, 401)],
    "403 no permission": [Turn({"error": {"message": "not for you"}}, 403)],
    "404 no such model": [Turn({"error": {"message": "model not found", "code": "model_not_found"}}, 404)],
    "429 once": [Turn({"error": {"message": "slow down"}}, 429), calls(("changes_recent", {}))],
    "429 for ever, Retry-After 90": [Turn({"error": {"message": "slow"}}, 429, headers={"Retry-After": "90"})],
    "429 quota": [Turn({"error": {"message": "quota", "code": "insufficient_quota"}}, 429)],
    "500": [Turn({"error": {"message": "boom"}}, 500)],
    "503 with HTML": [Turn("<html>unavailable</html>", 503)],
    "context overflow": [Turn({"error": {"message": "maximum context length is 10 tokens",
                                         "code": "context_length_exceeded"}}, 400)],
    "html with 200": [Turn("<html>gateway</html>")],
    "empty body with 200": [Turn("")],
    "truncated body": [Turn(completion({"role": "assistant", "content": "x" * 500}, "stop"), cut=True)],
    "error in 200": [Turn({"error": {"message": "upstream", "code": 502}})],
    "no choices": [Turn({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": []})],
    "choices null": [Turn({"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": None})],
    "empty reply": [says("")],
    "slow": [Turn({}, delay_s=4.0)],
    "prose instead of tools": [says("I believe it is the network.")],
    "prose with half a JSON": [says('Here it is: {"verdict": "diagnosed", "claims": [')],
    "refusal": [Turn(completion({"role": "assistant", "content": None, "refusal": "I cannot help"}, "stop"))],
    "cut by length": [Turn(completion({"role": "assistant", "content": "The cause is pro"}, "length"))],
    "malformed tool JSON": [calls(("conclude", '{"verdict": "diagn'))],
    "arguments are a list": [calls(("conclude", '["diagnosed"]'))],
    "arguments are null": [calls(("conclude", "null"))],
    "tool call without a function": [Turn(BROKEN)],
    "unknown tool for ever": [calls(("rm_rf", {"path": "/"}))],
    "the same question for ever": [calls(("changes_recent", {}))],
    "forty questions at once": [calls(*[("changes_recent", {"x": n}) for n in range(40)])],
    "a conclusion beside questions": [calls(("conclude", conclusion("no_fault")), ("changes_recent", {}))],
    "two conclusions": [calls(("conclude", conclusion("no_fault")), ("conclude", conclusion("undetermined")))],
    "wrong argument types": [calls(("conclude", {"verdict": 7, "claims": "many"}))],
    "a million hypotheses": [calls(("conclude", conclusion(hypotheses=[root()] * 2_000)))],
    "evidence that is not there": [calls(("conclude", conclusion(hypotheses=[root(supports=["E99"])])))],
    "onset in the future": [calls(("conclude", conclusion(onset="2099-01-01T00:00:00Z", hypotheses=[root()])))],
    "contradicts itself": no_fault_then_fault,
    "confidence of 9": [calls(("conclude", conclusion(hypotheses=[root(confidence=9)])))],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_case(tmp_path_factory.mktemp("cases") / "tiny").folder


async def diagnose(folder: Path, script: Any, **settings: Any) -> tuple[Diagnosis, ScriptedServer]:
    case = load_case(folder)
    with scripted_server(script) as server:
        model = Model(base_url=server.url, main="scripted", max_retries=1, **settings)
        investigation = assemble(open_world(folder), model=model, budget=Budget(seconds=SECONDS, model_seconds=1.0))
        return await investigation.investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms), server


@pytest.mark.parametrize("name", sorted(FAULTS))
async def test_every_fault_ends_with_a_verified_diagnosis(folder: Path, name: str) -> None:
    """The run ends within its deadline, is never empty, and either the analyst's cause or `undetermined` is published;
    the model's fault is told as a gap or the analyst is named as the author."""
    began = time.monotonic()
    found, _ = await diagnose(folder, FAULTS[name])
    assert time.monotonic() - began < SECONDS + 3
    assert found.evidence
    assert found.claims
    assert found.verdict is Verdict.DIAGNOSED
    assert found.hypotheses[0].component.name == "worker-green"
    assert "analyst" in found.usage.model or any("model" in g.what or "claim" in g.what for g in found.gaps)
    assert "E99" not in json.dumps([h.model_dump(mode="json") for h in found.hypotheses])


async def test_what_may_pass_is_tried_again(folder: Path) -> None:
    """One 429 costs one more call, not the model: the next reply is used."""
    found, server = await diagnose(folder, [Turn({"error": {"message": "slow"}}, 429), calls(("drift_peers", {}))])
    assert any(e["question"] == "drift.peers" for e in found.evidence)
    assert "scripted" in found.usage.model
    assert len(server.requests) > 2


async def test_what_cannot_pass_is_not_tried_again(folder: Path) -> None:
    """A wrong key is asked with once a turn, and not at all after it failed twice."""
    _, server = await diagnose(folder, FAULTS["401 bad key"])
    assert len(server.requests) <= FAILURES


async def test_malformed_arguments_are_asked_for_in_words_once(folder: Path) -> None:
    """The broken call is never sent back; the model is told in text and may correct itself."""
    script = [calls(("drift_peers", "{bad")), calls(("drift_peers", {})), says("")]
    found, server = await diagnose(folder, script)
    assert "not valid JSON" in server.requests[1]["messages"][-1]["content"]
    assert "{bad" not in json.dumps(server.requests[1])
    assert any(e["question"] == "drift.peers" for e in found.evidence)


async def test_an_overflowing_context_is_halved(folder: Path) -> None:
    """After `context_length_exceeded` the same model is asked with older answers reduced to their findings."""
    _, server = await diagnose(folder, FAULTS["context overflow"])
    assert len(server.raw[1]) < len(server.raw[0])
