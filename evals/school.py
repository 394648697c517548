"""The rules of learning: what becomes of one verified incident, of one outcome. State in, state out; no database.

    school = school.taught(example, confident_other=False)     a correction or a confirmation
    school = school.outcome("learned-…", right=True)           what came of using a card

Feedback can be wrong, so nothing is averaged. A word that what was found speaks against (`evals/plausible.py`) and one
that contradicts a confident answer wait for a second voice; a card whose own answer is contradicted is suspended, one
that was never confirmed gives way, and all is listed; a card that is wrong more often than right retires itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.card import Card
from agent.codes import Verdict
from agent.experience import Credit, Experience
from agent.odds import assess, roots
from agent.precedents import Precedents, Seen
from agent.signature import similarity
from evals.example import Example
from evals.learn import learn
from evals.plausible import doubts
from evals.rehearse import is_cause

IDENTICAL = 0.97
SAME_LESSON = 0.3
SECOND_VOICE = 0.5  # how alike another incident must be to bear out a word about this one
MOST_EXAMPLES = 8  # of one card: the newest
CONFIRMED = 2
RETIRE_WRONG = 2
MISSES = 3


@dataclass(frozen=True)
class Notice:
    """Something a person should look at.

    `kind`: conflict, retired, suspended, not_learned, implausible, waiting, promoted.
    """

    kind: str
    about: str
    text: str


@dataclass(frozen=True)
class School:
    """`examples` are verified; `waiting` need a second voice. `known` are the shipped cards.

    `suspended` cards answered an incident and were contradicted: lent to no run until their cause is verified again.
    """

    known: tuple[Card, ...]
    examples: tuple[Example, ...] = ()
    waiting: tuple[Example, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)
    credits: Mapping[str, Credit] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
    suspended: Mapping[str, Card] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def taught(self, example: Example, *, led: str = "", confident_other: bool = False, seconded: bool = False,
               at: str = "") -> School:
        """One verified incident. `led`: the card the diagnosis went by, whose outcome has been counted.

        `confident_other`: the diagnosis was confident and named something else. `seconded`: more than one word stands
        behind the label, so that it is not held against the evidence once more.
        """
        odd = () if seconded else self.doubted(example)
        if odd:
            return self._waits(example, "implausible", "; ".join(odd))
        school = self._suspending(example, led)
        if confident_other and not school._borne_out(example):
            note = f"contradicts a confident diagnosis of {example.incident}: a second voice or a verifier decides"
            return school._waits(example, "waiting", note)
        school = school._settled(example, led)
        twin = next((e for e in school.examples if _same_cause(e, example)
                     and similarity(e.signature, example.signature) >= IDENTICAL), None)
        if twin is not None and any(twin.id in c.provenance.cases for c in school.cards.values()):
            return school  # nearly the same incident has been learned from
        school = replace(school, examples=(*school.examples, example))
        return school if example.cause is None else school._learned(example, at)

    def doubted(self, example: Example) -> tuple[str, ...]:
        """What the incident's own evidence says against its label; () once another incident bore the same out."""
        return () if self._borne_out(example) else doubts(example, self.known)

    def _borne_out(self, example: Example) -> bool:
        return any(_bears_out(other, example) for other in self.waiting)

    def _waits(self, example: Example, kind: str, why: str) -> School:
        return replace(self, waiting=(*self.waiting, example),
                       notices=(*self.notices, Notice(kind, example.id, why)))

    def _suspending(self, example: Example, led: str) -> School:
        """The card that answered this incident, if the verified cause is another one, is lent to no run at once."""
        card = self.cards.get(led)
        if card is None or card not in self.contradicted(example):
            return self
        school = self.without(led, "")
        why = f"answered {example.incident} otherwise than {example.id} says: until its cause is verified again"
        return replace(school, retired=self.retired, suspended={**self.suspended, led: card},
                       notices=(*self.notices, Notice("suspended", led, why)))

    def _settled(self, example: Example, led: str) -> School:
        """Contradictions with cards in use are settled or listed before anything is learned."""
        school = self
        for card in self.contradicted(example):
            credit = self.credits.get(card.id, Credit())
            said = f"{example.id} says another cause than {card.id} (confirmed {credit.right}, wrong {credit.wrong})"
            school = replace(school, notices=(*school.notices, Notice("conflict", card.id, said)))
            school = school if card.id == led else school.outcome(card.id, right=False)
            if credit.right < CONFIRMED and card.id in school.cards:
                school = school.without(card.id, f"never confirmed, contradicted by {example.id}")
        return replace(school, waiting=tuple(e for e in school.waiting if not _bears_out(e, example)))

    def contradicted(self, example: Example) -> tuple[Card, ...]:
        """Learned cards that would name another cause for what was found."""
        if not self.cards:
            return ()
        leading = [c for c in roots(assess((*self.known, *self.cards.values()), example.facts)) if c.card.learned]
        return tuple(c.card for c in leading[:1]
                     if example.label.verdict is not Verdict.DIAGNOSED or not is_cause(c, example))

    def _learned(self, example: Example, at: str) -> School:
        own = self.own_examples(example)
        every = (*self.cards.values(), *self.suspended.values())
        old = next((c for c in every if any(e.id in c.provenance.cases for e in own)), None)
        contrasts = [e for e in self.examples if not _same_cause(e, example)]
        others = tuple(c for c in self.cards.values() if old is None or c.id != old.id)
        tries = [own, [example]] if len(own) > 1 else [own]
        lesson = None
        for chosen in tries:
            lesson = learn(chosen, contrasts=contrasts, known=(*self.known, *others), learned_at=at)
            if lesson.card is not None:
                cards = {c.id: c for c in others}
                name = old.id if old is not None else lesson.card.id
                cards[name] = lesson.card.model_copy(update={"id": name})
                note = Notice("promoted", name, f"learned from {', '.join(e.id for e in chosen)}")
                suspended = {k: c for k, c in self.suspended.items() if k != name}
                return replace(self, cards=cards, suspended=suspended, notices=(*self.notices, note))
        why = lesson.why if lesson is not None else ""
        return replace(self, notices=(*self.notices, Notice("not_learned", example.id, why)))

    def own_examples(self, example: Example) -> list[Example]:
        """This one first, then earlier ones of the same cause that look alike."""
        alike = [e for e in self.examples if e.id != example.id and _same_lesson(e, example)
                 and similarity(e.signature, example.signature) >= SAME_LESSON]
        return [example, *alike[-(MOST_EXAMPLES - 1):]]

    def outcome(self, card: str, *, right: bool) -> School:
        """Count it; a card that has been wrong twice, and more often than right, retires."""
        if card not in self.cards:
            return self
        before = self.credits.get(card, Credit())
        credit = Credit(before.right + right, before.wrong + (not right))
        misses = {**self.misses, card: 0} if right else self.misses
        school = replace(self, credits={**self.credits, card: credit}, misses=misses)
        if credit.wrong >= RETIRE_WRONG and credit.wrong > credit.right:
            return school.without(card, f"wrong {credit.wrong} times, right {credit.right}")
        return school

    def missed(self, card: str) -> School:
        """Its cause came again and it did not match; after the third time in a row it retires."""
        if card not in self.cards:
            return self
        count = self.misses.get(card, 0) + 1
        school = replace(self, misses={**self.misses, card: count})
        return school.without(card, f"did not match its own cause {count} times") if count >= MISSES else school

    def without(self, card: str, why: str) -> School:
        """Retired: kept for the record, used no more."""
        cards = {k: v for k, v in self.cards.items() if k != card}
        return replace(self, cards=cards, retired={**self.retired, card: why},
                       notices=(*self.notices, Notice("retired", card, why)))

    def experience(self, *, at_ms: int = 0) -> Experience:
        """What the next run is lent."""
        cards = tuple(self.cards[k] for k in sorted(self.cards))
        past = tuple(self._past(e, at_ms) for e in self.examples)
        return Experience(cards=cards, credits=dict(self.credits), past=Precedents(past))

    def _past(self, e: Example, at_ms: int) -> Seen:
        card = next((c.id for c in self.cards.values() if e.id in c.provenance.cases), "")
        credit = self.credits.get(card, Credit())
        return Seen(id=e.id, incident=e.incident, at_ms=at_ms, signature=e.signature, card=card,
                    category=e.cause.category.value if e.cause else "", text=e.text,
                    service=e.cause.component.service if e.cause else "", right=credit.right, wrong=credit.wrong)

    def review(self) -> Sequence[Notice]:
        """What people should look at: everything but what simply went well."""
        return [n for n in self.notices if n.kind != "promoted"]


def _same_cause(a: Example, b: Example) -> bool:
    """Same category and kind of component; names aside."""
    if a.cause is None or b.cause is None:
        return a.cause is b.cause
    return a.cause.category is b.cause.category and a.cause.component.kind is b.cause.component.kind


def _bears_out(other: Example, example: Example) -> bool:
    """A word about another incident that looks like this one and names the same kind of cause."""
    return (other.id != example.id and _same_lesson(other, example)
            and similarity(other.signature, example.signature) >= SECOND_VOICE)


def _same_lesson(a: Example, b: Example) -> bool:
    """Also the same role and kind of service, so that one card can state it."""
    one, other = a.subject(), b.subject()
    if not _same_cause(a, b) or one is None or other is None:
        return False
    return a.service_kinds.get(one.service, "") == b.service_kinds.get(other.service, "")
