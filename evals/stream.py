"""Learning streams: episodes in a row, and after each one what an engineer would say of it (prequential replay).

Every arm sees the same episodes in the same order and differs only in what it may remember:

    off       nothing
    on        what verified feedback taught
    placebo   the same cards with their causes dealt to each other: memory without knowledge
    wrong     a share of the feedback is false, and nobody knows which

Shipped cards of the tested families are taken away first, so that there is something to learn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from agent.assemble import assemble
from agent.card import Card
from agent.codes import Category, Verdict
from agent.diagnosis import Diagnosis
from agent.experience import Experience
from evals.example import Example, observations_of
from evals.label import Label, load_label
from evals.opened import Opened
from evals.rehearse import answer_is_right
from evals.school import School
from evals.scorers import best_root, score
from evals.variants import Variant
from evals.words import false_label, feedback
from tools.evidence import iso

Arm = Literal["off", "on", "placebo", "wrong"]
ARMS: tuple[Arm, ...] = ("off", "on", "placebo", "wrong")


@dataclass(frozen=True)
class Outcome:
    """One episode in one arm. `seen`: how often its family came before; `tested`: its shipped card was taken away.

    `recalled`: one of the three past incidents shown was of the same family; None where there was none to recall.
    """

    episode: int
    case: str
    recording: str
    family: str
    aspect: str
    arm: Arm
    tested: bool
    seen: int
    right: bool
    questions: int
    said: str = ""
    card: str = ""
    recognised: bool = False
    told_wrong: bool = False
    recalled: bool | None = None


def cards_without(cards: Sequence[Card], families: Iterable[str], sources: Sequence[Path]) -> tuple[Card, ...]:
    """The shipped cards without those that name a cause of these families."""
    chosen = set(families)
    labels = [load_label(s) for s in sources]
    gone = {c.category for label in labels if label.family in chosen for c in label.causes}
    return tuple(c for c in cards if c.category not in gone or c.verdict is not Verdict.DIAGNOSED)


@dataclass(frozen=True)
class Review:
    """What a stream leaves behind: promoted cases its cards answer no longer, and what it lists for people.

    `listed`: episodes that are named in the list, whether what was said of them is false or true.
    """

    arm: Arm
    promoted: int
    regressed: tuple[str, ...]
    false_told: int
    false_listed: int
    notices: tuple[str, ...]
    cards: int
    listed: int = 0


@dataclass
class Stream:
    """One arm's walk through the episodes. `false_share` is how much of the feedback is false in the wrong arm.

    `opened` may be shared by the arms, so that each episode is read once.
    """

    arm: Arm
    known: tuple[Card, ...]
    tested: frozenset[str]
    answers: Path
    seed: int = 0
    false_share: float = 0.2
    opened: dict[Path, Opened] = field(default_factory=dict)

    async def run(self, episodes: Sequence[tuple[Variant, Path]],
                  on_episode: Callable[[Outcome], None] = lambda _: None) -> tuple[list[Outcome], Review]:
        """Every episode in order; what is learned from one counts for the next."""
        school = School(self.known)
        seen: dict[str, int] = {}
        families: dict[str, str] = {}
        out: list[Outcome] = []
        for number, (variant, folder) in enumerate(episodes):
            rng = random.Random(f"{self.seed}/{variant.id}")  # the same words are false, whatever was learned before
            opened, false = self._opened(folder), self.arm == "wrong" and rng.random() < self.false_share
            label = opened.label
            diagnosis, example = await self._episode(opened, self._lent(school))
            before = [p.incident for p in diagnosis.seen_before if p.similarity is not None]
            recalled = any(families.get(i) == variant.family for i in before) if seen.get(variant.family) else None
            families[example.incident] = variant.family
            outcome = replace(self._outcome(number, variant, label, diagnosis, seen.get(variant.family, 0), false),
                              recalled=None if self.arm == "off" else recalled)
            out.append(outcome)
            on_episode(outcome)
            seen[variant.family] = seen.get(variant.family, 0) + 1
            if self.arm != "off":
                school = feedback(school, diagnosis, example, right=outcome.right != false,
                                  told=false_label(example, rng) if false else label)
        return out, review_of(self.arm, school, out)

    def _lent(self, school: School) -> Experience:
        experience = school.experience()
        return shuffled(experience, self.seed) if self.arm == "placebo" else experience

    async def _episode(self, opened: Opened, lent: Experience) -> tuple[Diagnosis, Example]:
        case = opened.case
        investigation = replace(assemble(opened.world, cards=self.known), experience=lambda: lent, ask=opened.ask)
        diagnosis = await investigation.investigate(case.incident(), run_id=f"stream-{case.id}",
                                                    asked_at_ms=case.now_ms)
        opened.let_go()
        return diagnosis, Example(
            id=case.id, incident=case.incident().id, label=opened.label, recording=case.recording, by="replay",
            observations=observations_of(diagnosis.evidence), service_kinds=opened.service_kinds,
            depends_on=opened.depends_on,
            topology=opened.topology, at=iso(case.now_ms),
            text=" ".join(f"{s.title} {s.text}" for s in case.signals)[:2_000])

    def _opened(self, folder: Path) -> Opened:
        if folder not in self.opened:
            self.opened[folder] = Opened(folder, self.answers)
        return self.opened[folder]

    def _outcome(self, number: int, variant: Variant, label: Label, diagnosis: Diagnosis, seen: int, false: bool
                 ) -> Outcome:
        root = best_root(diagnosis)
        said = f"{root.category.value} of {root.component.name}" if root else diagnosis.verdict.value
        return Outcome(
            episode=number, case=variant.id, recording=variant.recording, family=variant.family, aspect=variant.aspect,
            arm=self.arm, tested=variant.family in self.tested, seen=seen, said=said, told_wrong=false,
            right=score(diagnosis, label)["cause"].value == 1.0, questions=len(diagnosis.evidence),
            card=root.card if root else "", recognised=diagnosis.usage.recognised)


def review_of(arm: Arm, school: School, outcomes: Sequence[Outcome]) -> Review:
    """Promoted cases are held against the cards in use once more; false feedback is looked for in what is listed."""
    cards = (*school.known, *school.cards.values())
    promoted = [e for e in school.examples if any(e.id in c.provenance.cases for c in school.cards.values())]
    listed = {word for n in school.review() for word in re.findall(r"[\w-]+", f"{n.about} {n.text}")}
    listed |= {e.id for e in school.waiting}
    taught = {e.id: e for e in school.examples}
    false = [o.case for o in outcomes if o.told_wrong]
    return Review(
        arm=arm, promoted=len(promoted), cards=len(school.cards),
        regressed=tuple(e.id for e in promoted if not answer_is_right(e, cards)),
        listed=sum(o.case in listed for o in outcomes),
        false_told=len(false), false_listed=sum(case in listed or case not in taught for case in false),
        notices=tuple(f"{n.kind}: {n.about}: {n.text}" for n in school.review()))


def shuffled(experience: Experience, seed: int) -> Experience:
    """The same cards with causes and actions dealt to one another, none to its own where there are several."""
    cards = experience.cards
    if not cards:
        return experience
    order = list(range(len(cards)))
    random.Random(seed + len(cards)).shuffle(order)
    dealt: Mapping[int, int] = {a: order[(i + 1) % len(order)] for i, a in enumerate(order)}
    others: list[Category] = [c for c in Category if c is not Category.UNKNOWN]
    mixed = []
    for i, card in enumerate(cards):
        giver = cards[dealt[i]]
        category = giver.category
        if category is card.category:
            category = others[(others.index(category) + 1 + seed) % len(others)]
        mixed.append(card.model_copy(update={"category": category, "actions": ()}))
    return replace(experience, cards=tuple(mixed))
