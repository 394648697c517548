"""From ranked hypotheses to a draft: verdict, claims in sentences, hypotheses with their standing, proposed actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.card import ActionTemplate
from agent.codes import ActionKind, ComponentKind, HypothesisStatus, Verdict
from agent.diagnosis import Claim, Component, Hypothesis
from agent.draft import Draft, Proposal
from agent.odds import CONFIDENT, Candidate, Facts, roots
from agent.prose import fill, tell, values_of
from agent.scope import estimated_onset
from tools.evidence import iso
from tools.findings import Finding, Subject

MAX_CLAIMS = 10
LEAD_MS = 90_000
CHANGE_MS = 20_000  # how far the effects of a deploy or switch reach around its announcement
MAX_HYPOTHESES = 6
# Facts a reader wants beside the cause, whatever it is: who is affected, what differs, what changed, what can be done.
CONTEXT = ("user_errors_up", "user_latency_up", "user_healthy", "views_disagree", "capacity_short", "capacity_enough",
           "image_differs", "limit_differs", "config_differs", "views_agree", "host_pressure", "stale_data",
           "target_absent", "instruction_in_data")


def conclude(ranked: Sequence[Candidate], facts: Facts, *, lang: str = "en") -> Draft:
    """The analyst's draft. Deterministic: the same findings give the same draft."""
    causes = roots(ranked)
    if causes:
        onset = _onset(causes[0], facts)
        return Draft(
            verdict=Verdict.DIAGNOSED, onset=None if onset is None else iso(onset),
            claims=_claims(causes, facts, lang), hypotheses=_hypotheses(ranked, causes, lang),
            actions=tuple(_proposal(a, c) for c in causes for a in c.card.actions),
        )
    controls = (c for c in ranked if not c.open and c.card.verdict is Verdict.NO_FAULT)
    control = next((c for c in controls if c.confidence >= CONFIDENT), None)
    if control is not None:
        return Draft(verdict=Verdict.NO_FAULT, claims=_claims((control,), facts, lang),
                     actions=(Proposal(kind=ActionKind.NONE),))
    return Draft(verdict=Verdict.UNDETERMINED, claims=_context_claims(facts, set(), lang),
                 hypotheses=_hypotheses(ranked, (), lang), actions=(Proposal(kind=ActionKind.COLLECT_MORE),))


def _onset(cause: Candidate, facts: Facts) -> int | None:
    """When the cause's own findings began; a little earlier where the estimate of the whole leads up to it.

    An estimate that falls on a change which is no part of the cause dates that change: containers came and went then.
    """
    own, whole = cause.since_ms, estimated_onset(f for _, f in facts.findings)
    if own is None or whole is None:
        return whole if own is None else own
    leads = own - whole <= LEAD_MS and not (own - whole > CHANGE_MS and _dates_a_change(whole, cause, facts))
    return min(own, whole) if leads else own


def _dates_a_change(at_ms: int, cause: Candidate, facts: Facts) -> bool:
    if any(f.kind == "change_in_window" for _, f in cause.used):
        return False
    return any(f.kind == "change_in_window" and f.since_ms is not None and abs(f.since_ms - at_ms) <= CHANGE_MS
               for _, f in facts.findings)


def _claims(causes: Sequence[Candidate], facts: Facts, lang: str) -> tuple[Claim, ...]:
    told: set[tuple[str, Subject]] = set()
    out: list[Claim] = []
    for c in causes:
        if c.supports:
            names = bound_names(c)
            out.append(Claim(text=fill(_in(c.card.mechanism, lang), names), evidence=c.supports,
                             key=f"mechanism:{c.card.id}", values=names))
        weight = {t.finding: t.change for t in c.terms if t.evidence_id}
        used = sorted(c.used, key=lambda u: (-weight.get(u[1].kind, 0.0) * u[1].strength, u[1].since_ms or 0))
        out += _finding_claims(((i, f) for i, f in used if weight.get(f.kind, 0.0) > 0), told, lang, most=6)
    out += _context_claims(facts, told, lang)
    return tuple(out[:MAX_CLAIMS + len(causes)])


def _context_claims(facts: Facts, told: set[tuple[str, Subject]], lang: str) -> tuple[Claim, ...]:
    chosen = sorted((u for u in facts.findings if u[1].kind in CONTEXT), key=lambda u: CONTEXT.index(u[1].kind))
    return tuple(_finding_claims(chosen, told, lang, most=6))


def _finding_claims(
    used: Iterable[tuple[str, Finding]], told: set[tuple[str, Subject]], lang: str, *, most: int
) -> list[Claim]:
    """One claim a (kind, subject), at most two of a kind, so that one noisy kind does not crowd out the rest."""
    out: list[Claim] = []
    per_kind: dict[str, int] = {}
    for evidence_id, f in used:
        if (f.kind, f.subject) in told or per_kind.get(f.kind, 0) >= 2 or len(out) >= most:
            continue
        told.add((f.kind, f.subject))
        per_kind[f.kind] = per_kind.get(f.kind, 0) + 1
        out.append(Claim(text=tell(f, lang), evidence=(evidence_id,), key=f.kind, values=values_of(f)))
    return out


def _hypotheses(ranked: Sequence[Candidate], causes: Sequence[Candidate], lang: str) -> tuple[Hypothesis, ...]:
    shown = list(causes) + [c for c in ranked if c not in causes and not c.open and c.card.verdict is Verdict.DIAGNOSED]
    out = []
    for rank, c in enumerate(shown[:MAX_HYPOTHESES], 1):
        out.append(Hypothesis(
            rank=rank, status=_standing(c, causes), component=component(c), category=c.card.category,
            mechanism=fill(_in(c.card.title, lang), bound_names(c)), confidence=round(c.confidence, 2),
            supports=c.supports, refutes=c.against, card=c.card.id,
        ))
    return tuple(out)


def _standing(c: Candidate, causes: Sequence[Candidate]) -> HypothesisStatus:
    if c in causes:
        return HypothesisStatus.ROOT
    if c.confidence < 0.3 or c.against:
        return HypothesisStatus.EXCLUDED
    if causes and all(any(r.explains(f.kind, str(f.extra.get("topic", ""))) for r in causes) for _, f in c.used):
        return HypothesisStatus.SYMPTOM
    return HypothesisStatus.CONTRIBUTING


def component(c: Candidate) -> Component:
    """The culprit as a component, by the kind its card binds."""
    s = c.culprit
    kind = c.card.binds[c.card.culprit].kind if c.card.culprit else ComponentKind.SERVICE
    by_kind = {ComponentKind.CONTAINER: s.container, ComponentKind.HOST: s.host, ComponentKind.CLUSTER: s.cluster}
    name = by_kind.get(kind, s.service)
    return Component(kind=kind, name=name, service=s.service, colour=s.colour, cluster=s.cluster)


def bound_names(c: Candidate) -> dict[str, str]:
    """Each variable with the names it stands for; one that binds no one is absent."""
    out = {}
    for variable, subjects in c.bound.items():
        names = [s.container or s.service or s.host or s.cluster for s in subjects]
        if names:
            out[variable] = ", ".join(names)
    return out


def _proposal(template: ActionTemplate, c: Candidate) -> Proposal:
    targets = tuple(s.container or s.service or s.host or s.cluster for s in c.bound.get(template.target, ()))
    return Proposal(kind=template.kind, targets=targets, precondition=template.precondition,
                    durable_fix=template.durable_fix)


def title_of(c: Candidate, lang: str) -> str:
    """The card's title with its bound names."""
    return fill(_in(c.card.title, lang), bound_names(c))


def _in(by_language: dict[str, str], lang: str) -> str:
    return by_language.get(lang) or by_language.get("en") or next(iter(by_language.values()))


