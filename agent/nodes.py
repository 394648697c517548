"""The nodes of the graph. Each reads the state, asks or checks, and returns what changed."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langgraph.runtime import Runtime

from agent.analyst import NAME as ANALYST
from agent.asking import ask_batch
from agent.chain import reply_of
from agent.codes import Verdict
from agent.deps import Deps
from agent.draft import CONCLUDE, Draft
from agent.incident import Signal
from agent.prompts import about_site, brief, late_news, system_prompt
from agent.publish import compose
from agent.read_draft import read_draft
from agent.scope import first_scope, narrowed, scope_of
from agent.state import State
from agent.verify import Complaint
from tools.findings import Finding
from tools.toolbox import tool_name
from tools.world import Scope

FLOOR = "The built-in analyst goes on from here."
DATE_IT = ("metrics.onset", "logs.onset")
FIRST = (
    "changes.recent", "containers.state", "bluegreen.views", "logs.activity", "metrics.change", "metrics.health",
    "alerts.active",
)


async def triage(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """The first questions, without a model: when did it begin, then what changed, runs, serves and works."""
    deps = runtime.context
    signals = [Signal.from_dict(s) for s in state["incident"]["signals"]]
    scope = first_scope(state["asked_at_ms"], signals, deps.world)
    messages: list[BaseMessage] = [
        SystemMessage(system_prompt(deps.lang), id="system"),
        *([HumanMessage(about_site(deps.site), id="site")] if deps.site else []),
        HumanMessage(brief(signals, state["asked_at_ms"]), id="brief"),
    ]
    evidence: dict[str, dict[str, Any]] = {}
    for names in (DATE_IT, FIRST):
        calls = [_triage_call(q.name, scope) for q in deps.questions if q.name in names]
        if not calls:
            continue
        calls.sort(key=lambda c: [tool_name(n) for n in names].index(c["name"]))
        found, answers = await ask_batch(calls, deps, scope, evidence)
        evidence.update(found)
        messages += [AIMessage("", tool_calls=calls, id=f"triage-{len(evidence)}"), *answers]
        scope = narrowed(scope, [Finding.from_dict(f) for e in found.values() for f in e["findings"]])
    return {
        "scope": {"incident": list(scope.incident), "baseline": list(scope.baseline)}, "evidence": evidence,
        "messages": messages, "steps": 0, "attempts": 0, "models": [], "calls": [], "gaps": [], "draft": None,
        "floor": False,
    }


def _triage_call(name: str, scope: Scope) -> ToolCall:
    return ToolCall(name=tool_name(name), args={}, id=f"triage_{tool_name(name)}_{scope.incident[0]}")


async def investigate(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """One turn of the model: questions to ask, or the conclusion."""
    deps = runtime.context
    spent = state["steps"] >= deps.budget.steps * (2 if state["floor"] else 1)
    reply = await reply_of(
        state["messages"], deps, must_conclude=spent or len(state["evidence"]) >= deps.budget.questions,
        sent_back=state["attempts"] > 0, earlier=state["calls"], floor=state["floor"])
    return {"messages": [reply.message], "steps": state["steps"] + 1, "models": [*state["models"], reply.model],
            "calls": [*state["calls"], *(c.as_dict() for c in reply.calls)], "gaps": [*state["gaps"], *reply.gaps]}


def after_investigate(state: State) -> Literal["questions", "conclude"]:
    """Questions first; a conclusion handed in beside questions is asked for again."""
    return "questions" if any(c["name"] != CONCLUDE for c in _last_calls(state)) else "conclude"


async def questions(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Ask what the model wants to know."""
    deps = runtime.context
    evidence, messages = await ask_batch(_last_calls(state), deps, scope_of(state), state["evidence"])
    return {"evidence": evidence, "messages": messages}


async def conclude(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Read the draft; news that arrived meanwhile is looked at before it counts."""
    deps = runtime.context
    news = await deps.late_signals()
    if news and deps.seconds_left > 0:
        return {"draft": None, "messages": [*_replies(state, "News arrived."), HumanMessage(late_news(news))]}
    draft, problems = read_draft(state["messages"][-1], ours=state["models"][-1] == ANALYST)
    if draft is not None:
        return {"draft": draft.model_dump(mode="json")}
    if state["attempts"] < deps.budget.attempts:
        told = "The conclusion could not be read: " + "; ".join(problems)
        return {"draft": None, "attempts": state["attempts"] + 1,
                "messages": _replies(state, told) or [HumanMessage(told)]}
    gap = {"what": "the model's conclusion", "why": "; ".join(problems)[:300], "cost": "the built-in analyst went on"}
    return {"draft": None, "floor": True, "gaps": [*state["gaps"], gap],
            "messages": _replies(state, FLOOR) or [HumanMessage(FLOOR)]}


def after_conclude(state: State) -> Literal["investigate", "verify"]:
    """A readable draft is verified."""
    return "verify" if state.get("draft") else "investigate"


async def verify(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Send back what the evidence does not carry, twice at most; then publish what stands, or let the analyst go on."""
    deps = runtime.context
    ranked, _, _ = deps.analyst.weigh(state["messages"])
    deps.on_event({"type": "odds", "candidates": ranked})
    draft = Draft.model_validate(state["draft"])
    checked = deps.check(draft, state["evidence"], analyst=ranked)
    shrug = draft.verdict is Verdict.UNDETERMINED and not draft.hypotheses and state["models"][-1] != ANALYST
    if checked.passed and not shrug:
        return {"draft": checked.draft.model_dump(mode="json")}
    deps.on_event({"type": "complaints", "complaints": [f"{c.about}: {c.why}" for c in checked.complaints]})
    if checked.complaints and state["attempts"] < deps.budget.attempts and deps.seconds_left > 0:
        return {"draft": None, "attempts": state["attempts"] + 1, "messages": _sent_back(state, checked.complaints)}
    gaps = [{"what": "a claim was removed", "why": f"{c.why} ({c.about})"[:300], "cost": ""}
            for c in checked.complaints]
    clean = checked.draft
    if clean.verdict is Verdict.UNDETERMINED and not state["floor"]:
        return {"draft": None, "floor": True, "gaps": [*state["gaps"], *gaps], "messages": _replies(state, FLOOR)}
    return {"draft": clean.model_dump(mode="json"), "gaps": [*state["gaps"], *gaps]}


def after_verify(state: State) -> Literal["investigate", "recommend"]:
    """What was sent back is investigated again."""
    return "recommend" if state.get("draft") else "investigate"


async def recommend(state: State, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Render actions, timeline and gaps in code and compose the diagnosis."""
    diagnosis = compose(state, runtime.context)
    runtime.context.on_event({"type": "diagnosis", "verdict": diagnosis.verdict.value})
    return {"diagnosis": diagnosis.model_dump(mode="json")}


def _last_calls(state: State) -> list[ToolCall]:
    last = state["messages"][-1]
    return list(last.tool_calls) if isinstance(last, AIMessage) else []


def _replies(state: State, text: str) -> list[BaseMessage]:
    """Every tool call must be answered, or model servers refuse the conversation."""
    return [ToolMessage(text, tool_call_id=c["id"], name=c["name"]) for c in _last_calls(state)]


def _sent_back(state: State, complaints: tuple[Complaint, ...]) -> list[BaseMessage]:
    text = "Not accepted. Correct or drop each of these, then conclude again:\n" + "\n".join(
        f"- {c.about}: {c.why}" for c in complaints
    )
    note = HumanMessage(text, additional_kwargs={"rejected_claims": [c.about for c in complaints]})
    return [*_replies(state, "Not accepted."), note]
