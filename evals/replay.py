"""Whole streams: the families in two halves, so that each is tested once and a look-alike once; every arm, every order.

What was found is kept in the work folder, one file an arm: a replay that was broken off goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from agent.card import load_cards
from agent.codes import Verdict
from evals.answers import code_fingerprint
from evals.case import find_cases
from evals.label import Label, load_label
from evals.opened import Opened
from evals.stream import ARMS, Arm, Outcome, Review, Stream, cards_without
from evals.variants import Variant, variants, writable

Run = tuple[int, int, Arm]


@dataclass(frozen=True)
class Replay:
    """`folders` hold recordings; `each` episodes are made of every one; `orders` are how often they are told anew.

    `most`: only the first so many of the shuffled episodes.
    """

    folders: tuple[Path, ...]
    each: int
    orders: int
    seed: int
    work: Path
    most: int | None = None
    opened: dict[Path, Opened] = field(default_factory=dict)

    def run(self, *, on_total: Callable[[int], None] = lambda _: None,
            on_episode: Callable[[Outcome], None] = lambda _: None,
            only: Callable[[Run], bool] = lambda _: True) -> tuple[dict[Run, list[Outcome]], dict[Run, Review]]:
        """(outcomes, reviews) by (half, order, arm)."""
        sources = self.sources()
        episodes = writable(variants(sources, each=self.each, seed=self.seed), self.work / "episodes")
        runs: list[Run] = [(half, order, arm) for half in (0, 1) for order in range(self.orders) for arm in ARMS
                           if order == 0 or arm != "off"]
        runs = [r for r in runs if only(r)]
        on_total(len(runs) * min(len(episodes), self.most or len(episodes)))
        outcomes, reviews = {}, {}
        for run in runs:
            outcomes[run], reviews[run] = self._one(run, episodes, sources, on_episode)
        return outcomes, reviews

    def sources(self) -> tuple[Path, ...]:
        """All recordings."""
        return tuple(f for folder in self.folders for f in find_cases(folder))

    def halves(self, sources: Sequence[Path]) -> tuple[frozenset[str], frozenset[str]]:
        """Groups of families by turns. Families that share a category, directly or through others, stay together: for
        taking the cards of one takes those of the other, which would be no look-alike then."""
        labels = [load_label(s) for s in sources]
        groups: list[set[str]] = []
        for family in sorted({x.family for x in labels if x.verdict is Verdict.DIAGNOSED}):
            mates = [g for g in groups if any(_categories(f, labels) & _categories(family, labels) for f in g)]
            groups = [g for g in groups if g not in mates] + [{family}.union(*mates)]
        sides: tuple[set[str], set[str]] = (set(), set())
        for group in sorted(groups, key=lambda g: (-len(g), sorted(g))):
            min(sides, key=len).update(group)
        return frozenset(sides[0]), frozenset(sides[1])

    def _one(self, run: Run, episodes: Sequence[tuple[Variant, Path]], sources: Sequence[Path],
             on_episode: Callable[[Outcome], None]) -> tuple[list[Outcome], Review]:
        half, order, arm = run
        name = f"half{half}-order{order}-{arm}-{self.each}-{self.most or 'all'}-{len(sources)}-{fingerprint()}.json"
        path = self.work / name
        if path.exists():
            data = json.loads(path.read_text(encoding="utf-8"))
            found = [Outcome(**o) for o in data["outcomes"]]
            for outcome in found:
                on_episode(outcome)
            return found, Review(**{**data["review"], "regressed": tuple(data["review"]["regressed"]),
                                    "notices": tuple(data["review"]["notices"])})
        tested = self.halves(sources)[half]
        told = list(episodes)
        random.Random(f"{self.seed}/{order}").shuffle(told)
        told = told[:self.most]
        stream = Stream(arm, cards_without(load_cards(), tested, sources), tested, self.work / "answers",
                        seed=self.seed + order, opened=self.opened)
        found, review = asyncio.run(stream.run(told, on_episode))
        text = json.dumps({"outcomes": [asdict(o) for o in found], "review": asdict(review)}, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return found, review


@lru_cache
def fingerprint() -> str:
    """Of all that outcomes follow from: the questions' code, the agent with its cards, and the rules of learning."""
    digest = hashlib.sha256(code_fingerprint().encode())
    here = Path(__file__).parent
    agent = here.parent / "agent"
    for path in sorted((*agent.rglob("*.py"), *agent.rglob("*.yaml"), *here.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _categories(family: str, labels: Sequence[Label]) -> set[str]:
    return {c.category.value for label in labels if label.family == family for c in label.causes}


def reordered(off: Sequence[Outcome], like: Sequence[Outcome]) -> list[Outcome]:
    """Without memory the order changes nothing but how often a family was seen: taken from `like`."""
    by_case = {o.case: o for o in off}
    return [replace(by_case[o.case], seen=o.seen, episode=o.episode) for o in like if o.case in by_case]
