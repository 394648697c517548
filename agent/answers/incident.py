"""The incident itself: what is broken, why we think so, since when, what was not seen, is it over, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.answers.asking import Asking, findings_of, unset_sources
from agent.answers.phrases import moment, neutral, phrase, tell_at
from agent.codes import HypothesisStatus, Verdict
from agent.diagnosis import Claim, Hypothesis
from agent.intents.times import MINUTE
from agent.prose import fill, sentence
from tools.evidence import parse_iso
from tools.findings import KINDS, Finding

GLANCE = ("user_errors_up", "user_latency_up", "work_stopped", "work_by_waiting_role", "completion_gap", "work_failing",
          "views_disagree", "not_running", "oom_killed", "restarted", "unhealthy", "target_absent", "stale_data")
LASTING = ("failures_concentrated", "saturation", "throttling", "host_pressure", "queue_growth", "segment_slower",
           "dependency_slow", "dependency_refused", "status_rejected", "error_template_new", "extra_consumer")
FADED_MS = 5 * MINUTE
LEAST_STRENGTH = 0.3
# One cheap question of each source: without a diagnosis, what cannot be seen is found by looking.
SWEEP: tuple[tuple[str, dict[str, Any]], ...] = (
    ("metrics.onset", {}), ("logs.activity", {}), ("containers.roster", {}), ("bluegreen.views", {}),
    ("changes.recent", {}), ("queues.state", {}), ("drift.peers", {}))


async def status(asking: Asking) -> None:
    """The diagnosis' conclusion; without one, a glance at users, work and containers, and a wish to investigate."""
    if asking.diagnosis is None:
        return await _glance(asking)
    asking.said.append(neutral(headline(asking)))
    for claim in asking.diagnosis.claims[:5]:
        asking.repeat(claim, retold(asking, claim))
    if asking.diagnosis.onset:
        _onset(asking)
    advice_steps(asking, most=1)


async def _glance(asking: Asking) -> None:
    found = []
    for question in ("metrics.onset", "logs.activity", "containers.state", "bluegreen.views", "metrics.health"):
        evidence = await asking.ask(question)
        found += [(f, evidence) for f in findings_of(evidence, *GLANCE) if evidence and f.strength >= LEAST_STRENGTH]
    found.sort(key=lambda x: GLANCE.index(x[0].kind))
    asking.say("status.none")
    told = [asking.tell(f, e) for f, e in found[:6]]
    if not any(told):
        asking.say("status.quiet")
    asking.say("status.investigate")
    asking.wants_investigation = True


def headline(asking: Asking) -> str:
    """The conclusion in the person's language."""
    diagnosis = asking.diagnosis
    assert diagnosis is not None
    root = root_of(asking)
    title = _title(asking, root) if root else (retold(asking, diagnosis.claims[0]) if diagnosis.claims else "")
    return sentence(f"verdict.{diagnosis.verdict.value}", {"title": title}, asking.lang)


def root_of(asking: Asking) -> Hypothesis | None:
    """The diagnosis' root cause."""
    hypotheses = asking.diagnosis.hypotheses if asking.diagnosis else ()
    return next((h for h in hypotheses if h.status is HypothesisStatus.ROOT), None)


def _title(asking: Asking, root: Hypothesis) -> str:
    card = next((c for c in asking.cards if c.id == root.card), None)
    claims = asking.diagnosis.claims if asking.diagnosis else ()
    names = next((c.values for c in claims if c.key == f"mechanism:{root.card}"), None)
    if card is None or names is None:
        return root.mechanism
    return fill(card.title.get(asking.lang) or card.title["en"], names)


def retold(asking: Asking, claim: Claim) -> str:
    """A claim of the diagnosis in the person's language, its time in their zone; as it was where that is not known."""
    if claim.key in KINDS:
        for evidence_id in claim.evidence:
            for finding in findings_of(asking.evidence.get(evidence_id), claim.key):
                if all(claim.values.get(k) == v for k, v in finding.subject.as_dict().items()):
                    return tell_at(finding, asking.lang, asking.zone)
    if claim.key.startswith("mechanism:"):
        card = next((c for c in asking.cards if c.id == claim.key.partition(":")[2]), None)
        if card is not None:
            return fill(card.mechanism.get(asking.lang) or card.mechanism["en"], claim.values)
    return claim.text


async def why(asking: Asking) -> None:
    """The findings behind the root cause, what speaks against it, and what was excluded."""
    root = root_of(asking)
    if asking.diagnosis is None:
        asking.say("no_diagnosis")
        return await status(asking)
    asking.said.append(neutral(headline(asking)))
    supports = root.supports if root else tuple(dict.fromkeys(i for c in asking.diagnosis.claims for i in c.evidence))
    for claim in asking.diagnosis.claims:
        if set(claim.evidence) & set(supports):
            asking.repeat(claim, retold(asking, claim))
    if root is not None:
        against = phrase("why.against", asking.lang, evidence=", ".join(root.refutes)) if root.refutes else phrase(
            "why.nothing_against", asking.lang)
        asking.say("why.confidence", confidence=f"{root.confidence:.2f}", against=against)
    for other in asking.diagnosis.hypotheses:
        if other.status is not HypothesisStatus.ROOT and len(asking.said) < 6:
            asking.say("why.other", status=other.status.value, mechanism=other.mechanism,
                       evidence=", ".join(other.refutes))


async def since(asking: Asking) -> None:
    """The incident's onset; of a thing named, what was found of it and when."""
    names = asking.containers()
    if asking.diagnosis is not None and asking.diagnosis.onset and not names:
        return _onset(asking)
    dated = [(f, e) for e in list(asking.evidence.values()) for f in findings_of(e)
             if f.since_ms is not None and f.subject.container in names]
    dated.sort(key=lambda x: x[0].since_ms or 0)
    if sum(asking.tell(f, e) for f, e in dated[:4]):
        return None
    onset = await asking.ask("metrics.onset")
    work = await asking.ask("logs.activity")
    told = [asking.tell(f, onset or {}) for f in findings_of(onset, "incident_onset")[:1] if not names]
    told += [asking.tell(f, work or {}) for f in findings_of(work) if f.since_ms is not None
             and (not names or f.subject.container in names)]
    if not any(told):
        asking.say("onset.unknown")
    return None


def _onset(asking: Asking) -> None:
    """The onset, cited by the finding that began then."""
    onset = asking.diagnosis.onset if asking.diagnosis else None
    if onset is None:
        return
    at = parse_iso(onset)
    near = [(abs((f.since_ms or 0) - at), -f.strength, e["id"], f.since_ms or 0) for e in asking.evidence.values()
            for f in findings_of(e) if f.since_ms is not None]
    if not near:
        return
    _, _, evidence_id, began = min(near)
    asking.claim("onset.is", asking.evidence[evidence_id], since=moment(began, asking.zone))


async def gaps(asking: Asking) -> None:
    """What the diagnosis could not check; sources that are not connected; whether the monitoring can be believed."""
    if asking.diagnosis is not None:
        for gap in asking.diagnosis.gaps:
            if gap not in asking.gaps:
                asking.gaps.append(gap.model_copy(update={"why": neutral(gap.why), "what": neutral(gap.what)}))
    else:
        for question, arguments in SWEEP:
            await asking.ask(question, **arguments)
    unset = unset_sources(asking.world)
    if unset:
        asking.gap("sources", phrase("gaps.unset", asking.lang, sources=", ".join(unset)))
    if asking.world.metrics is not None:
        health = await asking.ask("metrics.health")
        for finding in findings_of(health, "target_absent", "stale_data", "clock_skew"):
            asking.tell(finding, health or {})
    asking.say("gaps.some" if asking.gaps else "gaps.none")


async def recovered(asking: Asking) -> None:
    """Asks again what the root cause stood on, over the last minutes, and how users are."""
    scope = asking.scope(recent_ms=FADED_MS)
    root = root_of(asking)
    supported = [asking.evidence[i] for i in root.supports if i in asking.evidence] if root else []
    kinds = {(f.kind, f.subject.container or f.subject.service) for e in supported for f in findings_of(e)
             if f.strength >= LEAST_STRENGTH}
    questions = dict.fromkeys([*[e["question"] for e in supported][:4], "metrics.onset", "logs.activity"])
    still, healthy, answered = [], False, False
    for question in questions:
        evidence = await asking.ask(question, scope=asking.scope() if question == "logs.activity" else scope)
        if evidence is None:
            continue
        answered = True
        for f in findings_of(evidence):
            bad = f.kind in GLANCE and f.strength >= LEAST_STRENGTH
            same = f.kind in LASTING and (f.kind, f.subject.container or f.subject.service) in kinds
            if bad or same:
                still.append((f, evidence))
            healthy |= f.kind == "user_healthy" and asking.tell(f, evidence)
    still.sort(key=lambda x: (x[0].kind not in GLANCE, -x[0].strength))
    for f, evidence in still[:4]:
        asking.tell(f, evidence)
    asking.say("recovered.still" if still else "recovered.unknown" if not answered else
               "recovered.yes" if healthy else "recovered.maybe")


async def impact(asking: Asking) -> None:
    """What users feel: of the diagnosis' own evidence, else asked now; failures of the work beside it."""
    kinds = ("user_errors_up", "user_latency_up", "user_healthy", "work_failing", "completion_gap")
    known: list[tuple[Finding, Mapping[str, Any]]] = [
        (f, e) for e in list(asking.evidence.values()) for f in findings_of(e, *kinds)]
    if not known:
        for question in ("metrics.onset", "logs.activity"):
            evidence = await asking.ask(question)
            known += [(f, evidence) for f in findings_of(evidence, *kinds) if evidence is not None]
    for f, evidence in known[:5]:
        asking.tell(f, evidence)
    if not known:
        asking.say("status.quiet")


async def similar(asking: Asking) -> None:
    """Earlier incidents the store finds alike."""
    past = asking.similar_to(asking.incident_id)[:5] if asking.incident_id else ()
    for p in past:
        asking.say("similar.row", at=moment(p.at_ms, asking.zone), id=p.id, title=p.title, outcome=p.outcome)
    if not past:
        asking.say("similar.none")


async def advice(asking: Asking) -> None:
    """The diagnosis' actions as text to copy; without a diagnosis, an investigation is wished for."""
    if asking.diagnosis is None:
        return await _glance(asking)
    if asking.diagnosis.verdict is Verdict.NO_FAULT:
        asking.say("advice.none")
    else:
        asking.said.append(neutral(headline(asking)))
    for evidence in list(asking.evidence.values()):
        for finding in findings_of(evidence, "capacity_enough", "capacity_short"):
            asking.tell(finding, evidence)
    advice_steps(asking, most=4)
    return None


def advice_steps(asking: Asking, *, most: int) -> None:
    """Each action with its first reason; commands go to `copy`."""
    for action in (asking.diagnosis.actions if asking.diagnosis else ())[:most]:
        steps = [s for s in action.steps if s.why]
        if steps:
            asking.say("advice.action", kind=action.kind.value, targets=", ".join(action.targets) or "-",
                       why=" / ".join(s.why for s in steps[:3]))
        asking.copy += [s.command for s in action.steps if s.command]
