"""The rules of learning: what becomes of one verified incident, of one outcome. State in, state out; no database.

    school = school.taught(example, led="learned-…", right=False)     a correction or a confirmation

Feedback can be wrong, so nothing is averaged: words are weighed. A word counts as much as its incident is like the one
in question, and as what was found is about the component it names. One that what was found speaks against
(`evals/plausible.py`), one that contradicts a confident shipped answer, and one that the words behind a learned card
outweigh waits for a second voice; all are listed. A card that is outweighed is suspended, and the words it was learned
from are opened again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.candidate import Candidate
from agent.card import Card
from agent.conclusion import component
from agent.experience import Credit, Experience
from agent.odds import candidates_of
from agent.precedents import Precedents, Seen
from evals.example import Example
from evals.learn import learn
from evals.plausible import doubts, share_of_blame
from evals.rehearse import answer_is_right, names_a_cause
from evals.voices import (
    SAME_AGAIN,
    SAME_LESSON,
    SECOND_VOICE,
    alike,
    bears_out,
    contradicting,
    nearest,
    neighbours,
    same_cause,
    same_lesson,
)

MOST_EXAMPLES = 8  # of one card: the newest
WORD = math.log(4)  # log-odds of one word: four in five are right
LEAST = 1 / 17  # of the share of blame, so that evidence counts as two words at most
CLEARLY_MORE = math.log(1.25)  # what stands gives way to clearly more, not to as much
RETIRE_WRONG = 2
OUTVOTED = "more voices that say so or a verifier decide"
MISSES = 3


@dataclass(frozen=True)
class Notice:
    """Something a person should look at.

    `kind`: conflict, doubtful, retired, suspended, reopened, not_learned, implausible, waiting, promoted.
    """

    kind: str
    about: str
    text: str


@dataclass(frozen=True)
class School:
    """`examples` are verified; so are `echoes`, which count as words but look the same as one and teach nothing new;
    `waiting` need a second voice. `known` are the shipped cards.

    `suspended` cards were outweighed: lent to no run until their cause is verified again.
    """

    known: tuple[Card, ...]
    examples: tuple[Example, ...] = ()
    echoes: tuple[Example, ...] = ()
    waiting: tuple[Example, ...] = ()
    cards: Mapping[str, Card] = field(default_factory=dict)
    credits: Mapping[str, Credit] = field(default_factory=dict)
    misses: Mapping[str, int] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
    suspended: Mapping[str, Card] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def taught(self, example: Example, *, led: str = "", right: bool | None = None, confident_other: bool = False,
               seconded: bool = False, at: str = "") -> School:
        """One verified incident. `led`: the card the diagnosis went by, and `right` whether the word agrees with it.

        `confident_other`: the diagnosis was confident and named something else. `seconded`: more than one word stands
        behind the label, so that it is not weighed against the evidence and against other words once more.
        """
        borne_out = seconded or self.borne_out(example)
        odd = () if borne_out or right else doubts(example, self.known)
        if odd:
            return self._waits(example, "implausible", "; ".join(odd))
        if confident_other and not borne_out:
            note = f"contradicts a confident diagnosis of {example.incident}: a second voice or a verifier decides"
            return self._waits(example, "waiting", note)
        against = None if right else self.contradicted(example, led)
        held = "" if seconded else self._held(against, example, right=bool(right))
        if held:
            return self._waits(example, "conflict", held)
        school = self if right is None else self.outcome(led, right=right)
        school = school._listed_as_doubtful(example) if right and not seconded else school
        school = school if right else school._missed(example, led)
        if against is not None and against.card.id in school.cards:
            school = school._outweighed(against.card, example)
        return school._admitted(example, at)

    def borne_out(self, example: Example) -> bool:
        """Whether a word about another incident that looks like this one says the same."""
        return any(bears_out(other, example) for other in (*self.waiting, *self.verified))

    @property
    def verified(self) -> tuple[Example, ...]:
        """Every word that counts."""
        return (*self.examples, *self.echoes)

    def _waits(self, example: Example, kind: str, why: str) -> School:
        return replace(self, waiting=(*self.waiting, example),
                       notices=(*self.notices, Notice(kind, example.id, why)))

    def _listed_as_doubtful(self, example: Example) -> School:
        """A confirmation counts, and is listed where the most alike of the verified incidents had another cause."""
        others = [e for e in self.verified if not same_cause(e, example)]
        near = max(others, key=lambda e: alike(example, e), default=None)
        same = nearest(example, (e for e in self.verified if same_cause(e, example)))
        if near is None or alike(example, near) <= max(same, SECOND_VOICE):
            return self
        text = f"called right, though {near.id}, the most alike ({alike(example, near):.2f}), had another cause"
        return replace(self, notices=(*self.notices, Notice("doubtful", example.id, text)))

    def contradicted(self, example: Example, led: str = "") -> Candidate | None:
        """The learned card that names another cause for what was found: the one that led, else one that would now."""
        if led in self.cards:
            own = [c for c in candidates_of(self.cards[led], example.facts) if not c.open]
            first = next(iter(sorted(own, key=Candidate.order)), None)
        else:
            leading = [c for c in example.causes((*self.known, *self.cards.values())) if c.card.learned]
            first = next(iter(leading), None)
        return None if first is None or names_a_cause(first, example) else first

    def _held(self, against: Candidate | None, example: Example, *, right: bool) -> str:
        """Why a word is outvoted by those about incidents like this one; "" where it is not.

        For it speak all that bear it out, waiting ones too. Against it speak the verified ones of the cause that a
        learned card names here, and those that contradict it about incidents that look the same.
        """
        ours = [e for e in (*self.waiting, *self.verified) if bears_out(e, example)]
        return self._outvoted_by_card(against, example, ours) or self._outvoted(example, ours, right=right)

    def _outvoted(self, example: Example, ours: Sequence[Example], *, right: bool) -> str:
        """As many say another cause of incidents that look the same. A confirmation is held against waiting words too.
        """
        opposed = contradicting(example, (*self.verified, *(self.waiting if right else ())))
        if not opposed or len(opposed) < 1 + sum(alike(example, e) >= SAME_AGAIN for e in ours):
            return ""
        return f"says another cause than {opposed[0].id}, which looks the same: {OUTVOTED}"

    def _outvoted_by_card(self, against: Candidate | None, example: Example, ours: Sequence[Example]) -> str:
        """The words behind a card, and what was found about the component it names, weigh as much or more.

        Words are log-odds, one like the other; what was found counts as two words at most.
        """
        if against is None:
            return ""
        named = component(against)
        theirs = [e for e in self.verified if e.cause is not None and e.cause.category is against.card.category
                  and e.cause.component.kind is named.kind]
        voices, said = 1 + len(neighbours(example, ours, among=theirs)), len(neighbours(example, theirs, among=ours))
        near = nearest(example, theirs)
        share = min(1 - LEAST, max(LEAST, share_of_blame(example, named, self.known)))
        if math.log(share / (1 - share)) + WORD * (voices - said * near**2) >= CLEARLY_MORE:
            return ""
        return (f"says another cause than {against.card.id}, which {said} words about incidents as like as {near:.2f} "
                f"stand behind: {OUTVOTED}")

    def _outweighed(self, card: Card, example: Example) -> School:
        """The card is learned anew from the words that are left, to keep away from such incidents; else suspended.

        Words about incidents that look just like this one are left out: they cannot both be right.
        """
        note = Notice("conflict", card.id, f"{example.id} says another cause than {card.id}")
        school = replace(self, notices=(*self.notices, note))
        own = [e for e in school.examples if e.id in card.provenance.cases and alike(e, example) < SAME_AGAIN]
        if own:
            others = tuple(c for c in school.cards.values() if c.id != card.id)
            contrasts = [*(e for e in school.examples if not same_cause(e, own[0])), example]
            lesson = learn(own, contrasts=contrasts, known=(*school.known, *others),
                           learned_at=card.provenance.learned_at)
            if lesson.card is not None:
                kept = lesson.card.model_copy(update={"id": card.id})
                return replace(school, cards={**school.cards, card.id: kept})
        school = school.without(card.id, "")
        why = f"outweighed by {example.id}: until its cause is verified again"
        return replace(school, retired=self.retired, suspended={**self.suspended, card.id: card},
                       notices=(*self.notices, note, Notice("suspended", card.id, why)))

    def _admitted(self, example: Example, at: str) -> School:
        """What contradicts the word is opened again; the word counts, with those that waited for it; it is learned."""
        school = self._opened_again(contradicting(example, self.verified), example)
        seconds = tuple(e for e in self.waiting if bears_out(e, example) and not contradicting(e, school.verified))
        counted = {e.id for e in seconds}
        school = replace(school, waiting=tuple(e for e in school.waiting if e.id not in counted))
        if school._known_already(example):
            return replace(school, echoes=(*school.echoes, *seconds, example))
        school = replace(school, examples=(*school.examples, *seconds, example))
        return school if example.cause is None else school._learned(example, at)

    def _opened_again(self, words: Sequence[Example], example: Example) -> School:
        if not words:
            return self
        gone = {e.id for e in words}
        notes = [Notice("reopened", e.id, f"{example.id} looks the same and has another cause") for e in words]
        return replace(self, examples=tuple(e for e in self.examples if e.id not in gone),
                       echoes=tuple(e for e in self.echoes if e.id not in gone),
                       waiting=(*self.waiting, *words), notices=(*self.notices, *notes))

    def _known_already(self, example: Example) -> bool:
        """The same again, and nothing to learn from it."""
        if not any(same_cause(e, example) and alike(e, example) >= SAME_AGAIN for e in self.examples):
            return False
        return example.cause is None or self._answers(example)

    def _answers(self, example: Example) -> bool:
        """Whether the cards in use, shipped or learned, name its cause."""
        return answer_is_right(example, (*self.known, *self.cards.values()))

    def _learned(self, example: Example, at: str) -> School:
        own = self.own_examples(example)
        every = (*self.cards.values(), *self.suspended.values())
        old = next((c for c in every if any(e.id in c.provenance.cases for e in own)), None)
        contrasts = [e for e in self.examples if not same_cause(e, example)]
        rest = tuple(c for c in self.cards.values() if old is None or c.id != old.id)
        chosen, others, name = own, rest, old.id if old is not None else ""
        lesson = learn(own, contrasts=contrasts, known=(*self.known, *rest), learned_at=at)
        if lesson.card is None and self._answers(example):
            return self
        if lesson.card is None and len(own) > 1:  # what one card cannot say of all, a second one may say of this
            chosen, others, name = [example], tuple(self.cards.values()), ""
            lesson = learn(chosen, contrasts=contrasts, known=(*self.known, *others), learned_at=at)
        if lesson.card is None:
            return replace(self, notices=(*self.notices, Notice("not_learned", example.id, lesson.why)))
        card = lesson.card.model_copy(update={"id": name or lesson.card.id})
        note = Notice("promoted", card.id, f"learned from {', '.join(e.id for e in chosen)}")
        return replace(self, cards={**{c.id: c for c in others}, card.id: card}, notices=(*self.notices, note),
                       suspended={k: c for k, c in self.suspended.items() if k != card.id})

    def own_examples(self, example: Example) -> list[Example]:
        """This one first, then earlier ones of the same cause that look alike."""
        others = [e for e in self.examples if e.id != example.id and same_lesson(e, example)
                  and alike(e, example) >= SAME_LESSON]
        return [example, *others[-(MOST_EXAMPLES - 1):]]

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

    def _missed(self, example: Example, led: str) -> School:
        """Cards that did not lead although the incident has their cause and looks like those that taught them."""
        school = self
        for card in list(self.cards.values()):
            own = [e for e in self.examples if e.id in card.provenance.cases and same_cause(e, example)]
            if card.id != led and nearest(example, own) >= SECOND_VOICE:
                school = school.missed(card.id)
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
