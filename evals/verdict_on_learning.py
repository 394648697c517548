"""What streams say about learning, against the marks it has to reach. A missed mark is said as plainly as a met one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from evals.paired import Difference, paired_difference
from evals.replay import Run, reordered
from evals.stream import Arm, Outcome, Review

LIFT, SURVIVES, FEWER, LOOKALIKE, WRONG, RECALL = 0.15, 0.8, 0.3, 0.02, 0.03, 0.9
PROMISED = 400
ELSEWHERE = "in other recordings only"
TIMES = ((1, 1), (2, 2), (3, 5), (6, 10_000))  # how often a family was seen before, from and to


@dataclass(frozen=True)
class Mark:
    """One promise: what was measured, what was asked, and whether it holds."""

    name: str
    measured: str
    asked: str
    met: bool


@dataclass(frozen=True)
class LearningVerdict:
    """`lift`, `placebo`, `lookalikes` and `wrong` are paired differences; `aspects` the lift by what was changed.

    `accuracy` is by arm on recurrences, `elsewhere` on look-alike families and controls.
    """

    episodes: int
    recurrences: int
    families: int
    lift: Difference
    placebo: Difference
    lookalikes: Difference
    wrong: Difference
    aspects: Mapping[str, Difference]
    accuracy: Mapping[str, float]
    elsewhere: Mapping[str, float]
    questions: Mapping[str, float]
    recognised: float
    recall: float
    by_family: Mapping[str, Difference]
    by_times: Mapping[str, Mapping[str, float]]
    reviews: Mapping[Run, Review]

    @property
    def survival(self) -> float:
        """The lift where names, colour, load or language changed, as a share of where only the time did."""
        same = self.aspects.get("time")
        others = [d.mean * d.n for a, d in self.aspects.items() if a != "time"]
        count = sum(d.n for a, d in self.aspects.items() if a != "time")
        return sum(others) / count / same.mean if same is not None and same.mean > 0 and count else 0.0

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every promise."""
        fewer = 1 - self.questions["on"] / self.questions["off"] if self.questions.get("off") else 0.0
        wrong = [r for run, r in self.reviews.items() if run[2] == "wrong"]
        told, listed = sum(r.false_told for r in wrong), sum(r.false_listed for r in wrong)
        on = [r for run, r in self.reviews.items() if run[2] == "on"]
        regressed, promoted = sum(len(r.regressed) for r in on), sum(r.promoted for r in on)
        return (
            Mark("recurrences replayed", str(self.recurrences), f">= {PROMISED}", self.recurrences >= PROMISED),
            Mark("accuracy on recurrence, memory on minus off", _told(self.lift), f">= +{LIFT}",
                 self.lift.mean >= LIFT and self.lift.low > 0),
            Mark("the same with causes dealt at random (placebo)", _told(self.placebo), "interval spans 0",
                 self.placebo.n > 0 and self.placebo.spans_zero),
            Mark("share of the lift that survives new names, colour, load, language", f"{self.survival:.2f}",
                 f">= {SURVIVES}", self.survival >= SURVIVES),
            Mark("median questions on recurrence, fewer by", f"{fewer:.0%} ({self.questions.get('off', 0):g} -> "
                 f"{self.questions.get('on', 0):g})", f">= {FEWER:.0%}", fewer >= FEWER),
            Mark("look-alike families and controls, on minus off", _told(self.lookalikes), f">= -{LOOKALIKE}",
                 self.lookalikes.mean >= -LOOKALIKE),
            Mark("20 % wrong feedback, minus all right", _told(self.wrong), f">= -{WRONG}", self.wrong.mean >= -WRONG),
            Mark("wrong feedback listed for review, or never learned", f"{listed} of {told}", "all", listed == told),
            Mark("promoted cases that regress", f"{regressed} of {promoted}", "0", regressed == 0),
            Mark("a past incident of the family among the three recalled", f"{self.recall:.2f}", f">= {RECALL}",
                 self.recall >= RECALL),
        )

    @property
    def passed(self) -> bool:
        return all(m.met for m in self.marks)

    def as_dict(self) -> dict[str, Any]:
        """For scripts."""
        return {"episodes": self.episodes, "recurrences": self.recurrences, "families": self.families,
                "marks": [m.__dict__ for m in self.marks], "accuracy": dict(self.accuracy),
                "aspects": {k: d.as_dict() for k, d in self.aspects.items()},
                "by_times": {k: dict(v) for k, v in self.by_times.items()},
                "by_family": {k: d.as_dict() for k, d in self.by_family.items()}, "recognised": self.recognised}

    def as_markdown(self) -> str:
        """A table of the marks."""
        lines = ["| what | measured | asked | |", "|---|---|---|---|"]
        return "\n".join([*lines, *(f"| {m.name} | {m.measured} | {m.asked} | {'met' if m.met else '**missed**'} |"
                                    for m in self.marks)])


def _told(d: Difference) -> str:
    if d.n == 0:
        return "not measured"
    return f"{d.mean:+.3f} [{d.low:+.3f}, {d.high:+.3f}], n={d.n} of {d.clusters} recordings"


def judge(outcomes: Mapping[Run, Sequence[Outcome]], reviews: Mapping[Run, Review]) -> LearningVerdict:
    """Pairs are the same episode of the same stream in two arms."""
    def pairs(a: Arm, b: Arm, keep: Callable[[Outcome], bool]) -> list[tuple[str, float, float]]:
        out = []
        for (half, order, arm), theirs in outcomes.items():
            if arm == b:
                ours = outcomes[half, order, a] if a != "off" else reordered(outcomes[half, 0, "off"], theirs)
                by_case = {o.case: o for o in ours}
                out += [(o.recording, float(by_case[o.case].right), float(o.right)) for o in theirs
                        if o.case in by_case and keep(o)]
        return out

    def again(o: Outcome) -> bool:
        return o.tested and o.seen >= 1

    on = [o for (_, _, arm), found in outcomes.items() if arm == "on" for o in found]
    recurring = [o for o in on if again(o)]
    off = {(half, o.case): o for (half, _, arm), found in outcomes.items() if arm == "off" for o in found}
    twins = [off[half, o.case] for (half, _, arm), found in outcomes.items() if arm == "on" for o in found
             if again(o)]
    right: dict[Arm, list[bool]] = {}
    for (_, _, arm), found in outcomes.items():
        right.setdefault(arm, []).extend(o.right for o in found if again(o))
    recalled = [o.recalled for o in on if o.recalled is not None]
    return LearningVerdict(
        episodes=len(on), recurrences=len(recurring), families=len({o.family for o in recurring}),
        lift=paired_difference(pairs("off", "on", again)), placebo=paired_difference(pairs("off", "placebo", again)),
        lookalikes=paired_difference(pairs("off", "on", lambda o: not o.tested)),
        wrong=paired_difference(pairs("on", "wrong", again)),
        aspects={a: paired_difference(pairs("off", "on", lambda o, a=a: again(o) and o.aspect == a))  # type: ignore[misc]
                 for a in sorted({o.aspect for o in recurring})},
        accuracy={arm: sum(r) / len(r) for arm, r in right.items() if r},
        elsewhere=_accuracy(outcomes, lambda o: not o.tested),
        questions={"off": median([o.questions for o in twins] or [0]),
                   "on": median([o.questions for o in recurring] or [0])},
        recognised=sum(o.recognised for o in recurring) / len(recurring) if recurring else 0.0,
        recall=sum(recalled) / len(recalled) if recalled else 0.0,
        by_family={f: paired_difference(pairs("off", "on", lambda o, f=f: again(o) and o.family == f))  # type: ignore[misc]
                   for f in sorted({o.family for o in recurring})},
        by_times={ELSEWHERE: _accuracy(_newly_recorded(outcomes), again)} | {
            _times(a, b): _accuracy(outcomes, lambda o, a=a, b=b: o.tested and a <= o.seen <= b)  # type: ignore[misc]
            for a, b in TIMES},
        reviews=dict(reviews))


def _newly_recorded(outcomes: Mapping[Run, Sequence[Outcome]]) -> dict[Run, list[Outcome]]:
    """The first episode of each recording: whatever is known of its family then comes from other recordings."""
    out: dict[Run, list[Outcome]] = {}
    for run, theirs in outcomes.items():
        seen: set[str] = set()
        for o in theirs:
            if o.recording not in seen:
                out.setdefault(run, []).append(o)
                seen.add(o.recording)
    return out


def _times(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} or more" if last > PROMISED else f"{first} to {last}"


def _accuracy(outcomes: Mapping[Run, Sequence[Outcome]], keep: Callable[[Outcome], bool]) -> dict[str, float]:
    """Arm -> share of right causes, and `episodes` of the arm `on`."""
    found: dict[str, list[bool]] = {}
    for (_, _, arm), theirs in outcomes.items():
        found.setdefault(arm, []).extend(o.right for o in theirs if keep(o))
    return {arm: sum(r) / len(r) for arm, r in found.items() if r} | {"episodes": float(len(found.get("on", ())))}

