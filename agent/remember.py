"""The two nodes of memory: `recall` brings experience into the conversation, `recognise` is the fast path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from langgraph.runtime import Runtime

from agent.analyst import NAME as ANALYST
from agent.asking import ask_batch
from agent.candidate import Candidate
from agent.deps import Deps
from agent.diagnosis import Diagnosis, Precedent
from agent.experience import Recollection
from agent.facts import Facts
from agent.incident import Signal
from agent.prompts import late_news
from agent.recognise import MOST_TURNS, SAME_AGAIN, certain, proven, resembles, to_confirm, to_look_for
from agent.scope import scope_of
from agent.signature import topology
from agent.state import State
from tools.findings import Finding
from tools.toolbox import tool_name


async def recall(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Which experience resembles what has been found: a short note with ids, and first odds for the analyst."""
    deps = runtime.context
    signals = [Signal.from_dict(s) for s in state["incident"]["signals"]]
    findings = [Finding.from_dict(f) for e in state["evidence"].values() for f in e["findings"]]
    _, facts, _ = deps.analyst.weigh(state["messages"])
    found = deps.experience.recall(
        deps.cards, findings, looked_for=facts.looked_for,
        text=" ".join(f"{s.title} {s.text}" for s in signals)[:2_000],
        service=next((s.labels.get("service", "") for s in signals), ""), now_ms=state["asked_at_ms"],
        topology=topology(s.kind for s in deps.world.inventory.services),
    )
    note = found.note()
    told = {"recalled": [c.id for c in found.cards], "seen_before": _precedents(found),
            "runbooks": [p.cite for p in found.passages]}
    if not note:
        return told
    priors = {"priors": dict(found.priors)} if found.priors else {}
    return {**told, "messages": [HumanMessage(note, id="recall", additional_kwargs=priors)]}


def _precedents(found: Recollection) -> list[dict[str, Any]]:
    return [Precedent(incident=r.past.incident, card=r.past.card, category=r.past.category,
                      similarity=r.similarity).model_dump() for r in found.past]


async def recognise(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Conclude at once what a learned card recognises beyond doubt; otherwise leave it to the investigation."""
    deps = runtime.context
    recalled = _likeness(state)
    learned = proven(deps.experience, recalled)
    same = [c for c in learned if recalled.get(c.id, 0.0) >= SAME_AGAIN]
    messages: list[BaseMessage] = list(state["messages"])
    update: dict[str, Any] = {}
    for turn in range(MOST_TURNS):
        ranked, facts, asked = deps.analyst.weigh(messages)
        if _recognised(ranked, facts, deps, asked) is not None:
            break
        asks = to_look_for(same, facts, deps.questions, asked)
        if not asks and resembles(learned, facts):
            asks = to_confirm(learned, facts, deps.questions, asked)
        if not asks:
            break
        calls = [ToolCall(name=tool_name(a.question.name), args=dict(a.arguments), id=f"confirm_{turn}_{n}")
                 for n, a in enumerate(asks)]
        already = {**state["evidence"], **update.get("evidence", {})}
        evidence, answers = await ask_batch(calls, deps, scope_of(state), already)
        added: list[BaseMessage] = [AIMessage("", tool_calls=calls, id=f"confirm-{turn}"), *answers]
        update = {"evidence": {**update.get("evidence", {}), **evidence},
                  "messages": [*update.get("messages", ()), *added]}
        messages += added
    ranked, facts, asked = deps.analyst.weigh(messages)
    recognised = _recognised(ranked, facts, deps, asked)
    if recognised is None or all(c.id != recognised.card.id for c in learned):
        return update
    news = await deps.late_signals()
    if news:
        return {**update, "messages": [*update.get("messages", ()), HumanMessage(late_news(news))]}
    draft = deps.analyst.draft(messages)
    return {**update, "draft": draft.model_dump(mode="json"), "recognised": recognised.card.id,
            "models": [*state["models"], ANALYST]}


def _recognised(ranked: Sequence[Candidate], facts: Facts, deps: Deps, asked: frozenset[str]) -> Candidate | None:
    """What is beyond doubt and has been confirmed by its own questions, each of them asked of this world."""
    found = certain(ranked)
    return None if found is None or to_confirm((found.card,), facts, deps.questions, asked) else found


def _likeness(state: State) -> dict[str, float]:
    """Learned card -> how much the most alike of the incidents that taught it resembles this one, 0..1."""
    out: dict[str, float] = {}
    for p in state.get("seen_before", ()):
        if p["card"] and p["similarity"] is not None:
            out[p["card"]] = max(out.get(p["card"], 0.0), p["similarity"])
    return out


def after_recognise(state: State) -> Literal["investigate", "verify"]:
    """What was recognised is verified like any other conclusion."""
    return "verify" if state.get("draft") else "investigate"


def cited(diagnosis: Diagnosis, deps: Deps) -> tuple[Precedent, ...]:
    """The incidents that taught the cards of the root causes first, then those recalled by their findings."""
    incidents = {c.id: c for c in deps.experience.cards}
    roots = [h for h in diagnosis.hypotheses if h.status == "root" and h.card in incidents]
    alike = {p.incident: p.similarity for p in diagnosis.seen_before}
    first = [Precedent(incident=i, card=h.card, category=h.category.value, similarity=alike.get(i))
             for h in roots for i in incidents[h.card].provenance.incidents[:3]]
    known = {p.incident for p in first}
    return (*first, *(p for p in diagnosis.seen_before if p.incident not in known))
