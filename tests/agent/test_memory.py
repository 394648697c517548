"""A thread's memory: far fewer tokens, the same facts, none of them paraphrased."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from agent.assemble import assemble
from agent.conversation import Answer, Conversation
from agent.diagnosis import Claim
from agent.memory import MOST_TURNS, QUESTION, RECALL, Memory, recalling, whole_turn
from agent.scripted_server import Turn, calls, scripted_server
from agent.wire import tokens_of
from config.errors import UnknownThing
from config.settings import Model
from evals.case import load_case
from tools import toolbox
from tools.recorded.world import open_world

F01 = Path(__file__).resolve().parents[2] / "evals" / "cases" / "f01-a"
ASKED = (
    "지금 활성 색이 뭐야?", "what changed in the last 20 minutes?", "worker-blue가 왜 도는거야?",
    "error rate of worker?", "is it safe to stop worker-blue?", "who is consuming the queue?",
    "compare worker-blue and worker-green",
    "which containers restarted?",
)


async def thread() -> tuple[Memory, str, list[tuple[str, str]]]:
    """(memory of a real thread, what it would be without, facts as (text, number) of its evidence)."""
    case = load_case(F01)
    conversation, memory, full, facts = Conversation(world=open_world(F01)), Memory(), [], []
    for text in ASKED:
        answer = await conversation.reply(text, at_ms=case.now_ms)
        memory.add(text, answer)
        full.append(whole_turn(text, answer))
        facts += [(f["kind"], f"{f['value']:.4g}") for e in answer.evidence for f in e["findings"] if f.get("value")]
    return memory, "\n".join(full), facts


async def test_a_long_thread_costs_a_quarter_and_keeps_its_facts() -> None:
    """Eight turns: at least 73 % fewer tokens, and at least 95 % of the facts answerable from ids in the summary."""
    memory, full, facts = await thread()
    short = memory.text()
    tables = "\n".join(memory.table(name) for name in memory.evidence if name in short)
    kept = sum(kind in tables and value in tables for kind, value in facts)
    assert len(facts) >= 20
    assert tokens(short) <= 0.27 * tokens(full), (tokens(short), tokens(full))
    assert kept >= 0.95 * len(facts)


def tokens(text: str) -> int:
    """The same estimate as for everything that goes on the wire."""
    return tokens_of([HumanMessage(text)])


def told(number: int, **fields: Any) -> Answer:
    evidence = {"id": "E1", "question": "logs.activity", "status": "ok", "text": f"worker did {number} jobs " * 20,
                "cluster": "", "findings": []}
    return Answer("work", "en", claims=(Claim(text=f"worker did {number} jobs.", evidence=("E1",)),),
                  evidence=(evidence,), **fields)


def test_what_is_shorter_than_its_summary_is_not_compacted() -> None:
    """A greeting stays a greeting."""
    memory = Memory()
    memory.add("hi", Answer("greeting", "en", say=("Hello.",)))
    assert memory.text() == "hi\nHello."


def test_ids_are_the_threads_own() -> None:
    """E1 of the first and E1 of the second answer are told apart, and an unknown id is an error."""
    memory = Memory()
    memory.add("first", told(1))
    memory.add("second", told(2))
    assert "worker did 1 jobs" in memory.table("T1.E1")
    assert "worker did 2 jobs" in memory.table("T2.E1")
    with pytest.raises(UnknownThing, match=r"T1\.E1"):
        memory.table("T9.E9")


def test_a_thread_without_end_is_bounded() -> None:
    """The oldest turns go, with their evidence."""
    memory = Memory()
    for n in range(3 * MOST_TURNS):
        memory.add(f"question {n}", told(n))
    assert len(memory.turns) == MOST_TURNS
    assert len(memory.evidence) == MOST_TURNS
    assert f"T{3 * MOST_TURNS}.E1" in memory.text()


async def test_a_model_can_ask_for_what_an_earlier_answer_rested_on() -> None:
    """`thread.evidence` gives the evidence back under a new id of this run; a wrong id is a failed question."""
    memory, _, _ = await thread()
    wanted = next(name for name, e in memory.evidence.items() if e["question"] == "logs.activity")
    script = [calls(("thread_evidence", {"id": wanted}), ("thread_evidence", {"id": "T99.E1"})), Turn({}, 500)]
    case = load_case(F01)
    with scripted_server(script) as server:
        plain = assemble(open_world(F01), model=Model(base_url=server.url, main="m", max_retries=0))
        asked = replace(plain, questions=(*plain.questions, QUESTION), ask=recalling(memory, toolbox.ask))
        found = await asked.investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms)
    recalled = [e for e in found.evidence if e["question"] == RECALL]
    assert [e["status"] for e in recalled] == ["ok", "failed"]
    assert recalled[0]["findings"] == memory.evidence[wanted]["findings"]


async def test_a_conversation_with_a_model_is_sent_the_memory_and_not_the_thread() -> None:
    """What the router cannot place goes to the model with the compact turns; its verified claims are the answer."""
    memory, _, _ = await thread()
    case = load_case(F01)

    def script(request: Any, _number: int) -> Turn:
        ids = {m["content"].split()[1]: m["content"].split()[0] for m in request["messages"] if m["role"] == "tool"}
        root = {"rank": 1, "status": "root", "component": {"kind": "container", "name": "worker-blue"},
                "category": "role_violation", "mechanism": "the standby consumes", "confidence": 0.9,
                "supports": [ids["logs.activity"]]}
        return calls(("conclude", {"verdict": "diagnosed", "hypotheses": [root], "claims": [
            {"text": "worker-blue handled 297 of 708 jobs.", "evidence": [ids["logs.activity"]]},
            {"text": "It lost 9431 jobs.", "evidence": [ids["logs.activity"]]}]}))

    with scripted_server(script) as server:
        investigation = assemble(open_world(F01), model=Model(base_url=server.url, main="m"))
        conversation = Conversation(world=open_world(F01), investigation=investigation)
        answer = await conversation.reply("which commit hash introduced contract 2", at_ms=case.now_ms,
                                          memory=memory)
    sent = json.dumps(server.requests[0], ensure_ascii=False)
    assert "Earlier in this thread" in sent
    assert memory.turns[2].splitlines()[1][:40] in sent
    assert answer.intent == "model"
    assert [c.text for c in answer.claims] == ["worker-blue handled 297 of 708 jobs."]
