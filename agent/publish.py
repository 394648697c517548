"""From a verified draft to the diagnosis: timeline, gaps and actions are composed in code."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.actions import render
from agent.analyst import NAME as ANALYST
from agent.codes import Verdict
from agent.deps import Deps
from agent.diagnosis import Diagnosis, Gap, Moment, Precedent, Usage
from agent.draft import Draft
from agent.prose import sentence, tell
from agent.remember import cited
from agent.state import State
from agent.usage import totals
from config.redact import redact
from tools.evidence import Status, iso
from tools.findings import Finding
from tools.toolbox import QUESTIONS

MAX_MOMENTS = 14
MAX_GAPS = 20


def compose(state: State, deps: Deps) -> Diagnosis:
    """The diagnosis of a run whose draft has been verified."""
    draft = Draft.model_validate(state["draft"])
    findings = [Finding.from_dict(f) for e in state["evidence"].values() for f in e["findings"]]
    actions = render(draft.actions, findings=findings, inventory=deps.world.inventory, lang=deps.lang)
    diagnosis = Diagnosis(
        incident=state["incident"]["id"], run=state["run"], asked_at=iso(state["asked_at_ms"]),
        verdict=draft.verdict, onset=draft.onset, claims=draft.claims, hypotheses=draft.hypotheses,
        timeline=_timeline(state["evidence"].values(), deps.lang) if draft.verdict is not Verdict.NO_FAULT else (),
        gaps=tuple(_gaps(state, deps)), actions=actions, evidence=tuple(state["evidence"].values()),
        seen_before=tuple(Precedent.model_validate(p) for p in state.get("seen_before", ())),
        runbooks=tuple(state.get("runbooks", ())), usage=_usage(state, deps),
    )
    return diagnosis.model_copy(update={"seen_before": cited(diagnosis, deps)})


def _timeline(evidence: Iterable[Mapping[str, Any]], lang: str) -> tuple[Moment, ...]:
    """What began when: dated findings, the strongest of each (kind, subject), oldest first."""
    best: dict[tuple[str, str], tuple[Finding, str]] = {}
    for e in evidence:
        for data in e["findings"]:
            f = Finding.from_dict(data)
            key = (f.kind, f.subject.container or f.subject.service or f.detail)
            if f.since_ms is not None and (key not in best or best[key][0].strength < f.strength):
                best[key] = (f, e["id"])
    chosen = sorted(best.values(), key=lambda b: -b[0].strength)[:MAX_MOMENTS]
    ordered = sorted(chosen, key=lambda b: (b[0].since_ms or 0, b[0].kind))
    return tuple(Moment(at=iso(f.since_ms or 0), text=tell(f, lang), evidence=(i,)) for f, i in ordered)


def _gaps(state: State, deps: Deps) -> list[Gap]:
    """Questions not answered or not askable, with what that leaves open; then the run's own troubles."""
    out: list[Gap] = []
    answered = {e["question"] for e in state["evidence"].values() if e["status"] == Status.OK.value}
    for e in state["evidence"].values():
        if e["status"] != Status.OK.value and e["question"] not in answered:
            why = sentence(f"gap.{e['status']}", {"why": e["text"]}, deps.lang)
            out.append(Gap(what=e["question"], why=redact(why)[:300], cost=_cost([e["question"]], deps)))
            answered.add(e["question"])
    out += _incomplete(state, deps)
    for question in QUESTIONS:
        missing = [s for s in question.needs if getattr(deps.world, s) is None]
        if missing:
            why = sentence("gap.unset", {"why": ", ".join(missing)}, deps.lang)
            out.append(Gap(what=question.name, why=why, cost=_cost([question.name], deps)))
    out += [Gap(**g) for g in state["gaps"]]
    return out[:MAX_GAPS]


def _incomplete(state: State, deps: Deps) -> list[Gap]:
    """Answers that lack a part: one host of three, a partial response. Each reason once, with all it touches."""
    touched: dict[str, list[str]] = {}
    for e in state["evidence"].values():
        for reason in (e["query"].get("notes") or {}).get("incomplete", ()):
            touched.setdefault(str(reason), []).append(e["question"])
    return [Gap(what=", ".join(dict.fromkeys(names)), why=sentence("gap.incomplete", {"why": why}, deps.lang)[:300],
                cost="") for why, names in touched.items()]


def _cost(unanswered: Sequence[str], deps: Deps) -> str:
    """The categories whose cards need what only these questions could have found."""
    lost = {k for q in QUESTIONS if q.name in unanswered for k in q.finds}
    found_elsewhere = {k for q in deps.questions if q.name not in unanswered for k in q.finds}
    categories = sorted({
        c.category.value for c in deps.cards if c.verdict is Verdict.DIAGNOSED
        and any((e.needed or e.any_of) and e.finding in lost - found_elsewhere for e in c.expects)
    })
    return sentence("gap.cost", {"categories": ", ".join(categories)}, deps.lang) if categories else ""


def _usage(state: State, deps: Deps) -> Usage:
    """The analyst alone costs nothing; what a server did not report stays unknown."""
    names = list(dict.fromkeys(state["models"])) or [ANALYST]
    spent = totals(state["calls"])
    return Usage(
        model=" + ".join(names), steps=state["steps"], seconds=round(time.monotonic() - deps.started, 3),
        input_tokens=spent.input_tokens, output_tokens=spent.output_tokens, cached_tokens=spent.cached_tokens,
        reasoning_tokens=spent.reasoning_tokens, cost_usd=spent.usd, energy_wh=spent.energy_wh,
        recognised=bool(state.get("recognised")),
    )
