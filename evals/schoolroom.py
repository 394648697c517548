"""The school with a library: verified cases are read, the rules of `school.py` decide, and what changed is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.card import Card
from agent.experience import Credit, Experience
from agent.library import Library, StoredCase
from agent.odds import CONFIDENT
from agent.precedents import Precedents, Seen
from agent.runbooks import Runbooks
from config.errors import BadInput, CulpritError
from evals.example import Example, observations_of
from evals.label import read_label_data
from evals.rehearse import Rehearsal, answer_is_right
from evals.school import Notice, School
from tools.evidence import iso

SUSPENDED = "suspended"  # how the reason of a pending card begins that was lent and then contradicted


@dataclass(frozen=True)
class Promotion:
    """What became of a case: its new state, the cards that are new, changed or retired, and what to look at."""

    case: StoredCase
    cards: tuple[Card, ...] = ()
    retired: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def example_of(case: StoredCase) -> Example:
    """A stored case as the school sees it. Raises BadInput for one without a label."""
    if not case.label:
        raise BadInput(f"{case.id}: has no label yet: " + ("; ".join(case.conflicts) or "nobody said what it was"))
    context: Mapping[str, Any] = case.context
    return Example(
        id=case.id, incident=case.incident_id, label=read_label_data(case.label),
        observations=observations_of(case.observations), service_kinds=dict(context.get("service_kinds", {})),
        depends_on={k: tuple(v) for k, v in dict(context.get("depends_on", {})).items()},
        builds=tuple(context.get("builds", ())), topology=str(context.get("topology", "")), recording=case.id,
        by=case.verified_by, at=iso(case.at_ms), text=case.text)


def _readable(cases: Iterable[StoredCase]) -> Iterator[tuple[StoredCase, Example]]:
    """With their examples; a case whose label or evidence cannot be read is left out and teaches nothing."""
    for case in cases:
        try:
            yield case, example_of(case)
        except (CulpritError, ValueError, TypeError, KeyError, AttributeError):
            continue


def open_school(library: Library, known: tuple[Card, ...]) -> School:
    """The school as the library remembers it."""
    rows = library.cards(state="active")
    return School(
        known=known, examples=tuple(e for _, e in _readable(library.cases(state="verified"))),
        waiting=tuple(e for _, e in _readable(library.cases(state="waiting"))),
        cards={r.card.id: r.card for r in rows}, credits={r.card.id: r.credit for r in rows},
        misses={r.card.id: r.misses for r in rows},
        suspended={r.card.id: r.card for r in library.cards(state="pending") if r.why.startswith(SUSPENDED)})


def preview(library: Library, case: StoredCase, known: tuple[Card, ...], *, by: str, trusted: bool
            ) -> tuple[School, School]:
    """(school before, school after) without writing anything: what accepting would change."""
    before = open_school(library, known)
    example = replace(example_of(case), by=by)
    if any(e.id == example.id for e in before.examples):
        before = replace(before, examples=tuple(e for e in before.examples if e.id != example.id))
    before = replace(before, waiting=tuple(e for e in before.waiting if e.id != example.id))
    said = case.context.get("diagnosis", {})
    led, wrong = str(said.get("card", "")), said.get("cause") != _cause(example)
    seconded = trusted or len(case.authors) > 1 or by == "outcome"
    sure = said.get("verdict") != "undetermined" and float(said.get("confidence") or 0) >= CONFIDENT
    shipped = wrong and (said.get("verdict") == "no_fault" or (sure and led not in before.cards))
    return before, before.taught(example, led=led, right=not wrong, confident_other=shipped and not trusted,
                                 seconded=seconded, at=iso(case.at_ms))


def promote(library: Library, case: StoredCase, known: tuple[Card, ...], *, by: str, trusted: bool = False
            ) -> Promotion:
    """Teach a verified case and keep what changed. `trusted`: a verifier who may overrule a confident diagnosis."""
    if not by:
        raise BadInput(f"{case.id}: nobody has verified it")
    before, after = preview(library, case, known, by=by, trusted=trusted)
    waits = any(e.id == case.id for e in after.waiting)
    state: Any = "waiting" if waits else "verified"
    news = after.notices[len(before.notices):]
    why = [n.text for n in news if n.about == case.id and (waits or n.kind == "doubtful")]
    kept = replace(case, state=state, verified_by=by, context={**case.context, "doubts": why})
    said = case.context.get("diagnosis", {})
    library.put_case(kept)
    if said.get("card") in before.cards and not waits:
        library.count_outcome(said["card"], case.incident_id, confirmed=said.get("cause") == _cause(example_of(case)))
    return Promotion(kept, *_written(library, before, after, case.incident_id))


def _written(library: Library, before: School, after: School, incident: str
             ) -> tuple[tuple[Card, ...], tuple[str, ...], tuple[Notice, ...]]:
    fresh = tuple(c for k, c in after.cards.items() if before.cards.get(k) != c)
    for card in fresh:
        library.put_card(card, misses=after.misses.get(card.id, 0))
    for name in after.suspended.keys() - before.suspended.keys():
        library.put_card(after.suspended[name], state="pending", why=f"{SUSPENDED}: contradicted by {incident}",
                         misses=before.misses.get(name, 0))
    retired = tuple(k for k in before.cards if k not in after.cards and k not in after.suspended)
    for name in retired:
        library.retire_card(name, after.retired.get(name, "replaced"))
        library.count_outcome(name, incident, confirmed=False)
    for taken in {e.id for e in before.waiting} - {e.id for e in after.waiting}:
        library.put_case(replace(library.case(taken), state="verified"))
    opened = {n.about: n.text for n in after.notices[len(before.notices):] if n.kind == "reopened"}
    for name, why in opened.items():
        case = library.case(name)
        library.put_case(replace(case, state="waiting", context={**case.context, "doubts": [why]}))
    return fresh, retired, after.notices[len(before.notices):]


def rehearsal_of(before: School, after: School) -> Rehearsal:
    """Which verified cases were right before and are not after (`taken`), and which are only right after."""
    one, two = (*before.known, *before.cards.values()), (*after.known, *after.cards.values())
    was = {e.id: answer_is_right(e, one) for e in after.examples}
    now = {e.id: answer_is_right(e, two) for e in after.examples}
    return Rehearsal(
        found=tuple(k for k, right in now.items() if right), missed=(),
        taken=tuple(e for e in after.examples if was[e.id] and not now[e.id]),
        gained=tuple(k for k in now if now[k] and not was[k]))


def experience_of(library: Library, *, runbooks: Runbooks | None = None, team: tuple[Card, ...] = ()) -> Experience:
    """What the library lends to a run; `team` are cards of the team's folder, which rows of the library replace."""
    rows = library.cards(state="active")
    every = {r.card.id for r in library.cards()}
    cards = tuple(r.card for r in rows) + tuple(c for c in team if c.id not in every)
    taught = {case: r for r in rows for case in r.card.provenance.cases}
    seen = []
    for case, example in _readable(library.cases(state="verified")):
        row = taught.get(case.id)
        cause, credit = example.cause, row.credit if row else Credit()
        seen.append(Seen(
            id=case.id, incident=case.incident_id, at_ms=case.at_ms, signature=example.signature, text=case.text,
            category=cause.category.value if cause else "", service=cause.component.service if cause else "",
            card=row.card.id if row else "", right=credit.right, wrong=credit.wrong))
    return Experience(cards=tuple(sorted(cards, key=lambda c: c.id)), credits={r.card.id: r.credit for r in rows},
                      past=Precedents(seen), runbooks=runbooks or Runbooks())


def _cause(example: Example) -> str:
    cause = example.cause
    if cause is None:
        return example.label.verdict.value
    return f"{cause.category.value} of {cause.component.kind.value} {cause.component.name}"
