"""Streams: what is concluded from outcomes, and that false feedback and placebo are what they say."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from agent.codes import Category, Verdict
from config.errors import BadInput
from evals.case import BUNDLED, find_cases
from evals.case_files import read_case_files
from evals.label import load_label
from evals.load import lighter_load
from evals.replay import Replay, Run
from evals.school import School
from evals.stream import Arm, Outcome, Review, cards_without, shuffled
from evals.variants import ASPECTS, variants
from evals.verdict_on_learning import judge
from evals.words import false_label
from tests.evals.incidents_told import drift, leak, quiet
from tests.evals.test_school import KNOWN


def outcome(n: int, arm: Arm, right: bool, *, tested: bool = True, seen: int = 1, questions: int = 10,
            aspect: str = "time") -> Outcome:
    return Outcome(n, f"c{n}", f"r{n % 6}", "F", aspect, arm, tested, seen, right, questions, recalled=True)


def streams(rights: dict[Arm, float], *, n: int = 420) -> dict[Run, list[Outcome]]:
    """Every arm with its share of right answers, and ten look-alikes that are always right."""
    out: dict[Run, list[Outcome]] = {}
    for arm, share in rights.items():
        found = [outcome(i, arm, i < share * n, questions=8 if arm == "on" else 14, aspect=ASPECTS[i % 5])
                 for i in range(n)]
        out[0, 0, arm] = found + [outcome(n + i, arm, True, tested=False, seen=0) for i in range(10)]
    return out


def reviews(regressed: tuple[str, ...] = (), listed: int = 3) -> dict[Run, Review]:
    return {(0, 0, arm): Review(arm, 5, regressed, 3, listed, (), 2) for arm in ("on", "wrong")}


def test_memory_that_helps_meets_the_marks() -> None:
    """Four of five right where none was: lift, placebo, questions, look-alikes and wrong feedback hold."""
    found = judge(streams({"off": 0.0, "on": 1.0, "placebo": 0.0, "wrong": 1.0}), reviews())
    assert found.passed, [m for m in found.marks if not m.met]
    assert found.lift.mean == 1.0
    assert found.lookalikes.mean == 0.0


@pytest.mark.parametrize(("rights", "missed"), [
    ({"off": 0.5, "on": 0.55, "placebo": 0.5, "wrong": 0.55}, "accuracy on recurrence"),
    ({"off": 0.0, "on": 1.0, "placebo": 1.0, "wrong": 1.0}, "placebo"),
    ({"off": 0.0, "on": 1.0, "placebo": 0.0, "wrong": 0.8}, "wrong feedback, minus"),
], ids=["no lift", "placebo helps", "wrong feedback costs"])
def test_each_promise_that_is_broken_is_said(rights: dict[Arm, float], missed: str) -> None:
    """A missed mark fails the verdict and is named in the table."""
    found = judge(streams(rights), reviews())
    assert not found.passed
    assert any(missed in m.name for m in found.marks if not m.met)
    assert "**missed**" in found.as_markdown()


def test_regressions_and_unlisted_falsehoods_fail() -> None:
    """One promoted case lost, or one false word that is nowhere listed, is enough."""
    good = streams({"off": 0.0, "on": 1.0, "placebo": 0.0, "wrong": 1.0})
    assert not judge(good, reviews(regressed=("c1",))).passed
    assert not judge(good, reviews(listed=2)).passed


def test_the_first_episode_of_each_recording_is_told_apart() -> None:
    """Edits of one recording are nearly the same incident: what carries over to another one is counted by itself."""
    found = judge(streams({"off": 0.0, "on": 0.5}), reviews())
    assert found.by_times["in other recordings only"] == {"off": 0.0, "on": 1.0, "episodes": 6.0}
    assert found.by_times["1"]["on"] == 0.5


def test_placebo_deals_every_card_another_cause() -> None:
    """Signatures stay, no cause stays where it was."""
    school = School(KNOWN).taught(quiet()).taught(leak()).taught(drift())
    lent = school.experience()
    for seed in range(20):
        mixed = shuffled(lent, seed)
        assert [c.expects for c in mixed.cards] == [c.expects for c in lent.cards]
        assert all(a.category is not b.category for a, b in zip(mixed.cards, lent.cards, strict=True))


def test_false_feedback_is_false() -> None:
    """Another thing that was seen, another category: never the truth by chance."""
    for seed in range(50):
        told = false_label(leak(), random.Random(seed)).causes[0]
        assert told.category is not Category.RESOURCE_LEAK
        assert told.component.name != "box-a"


def test_the_cards_of_tested_families_are_taken_away() -> None:
    """Those that name the category, and no control."""
    sources = find_cases(BUNDLED)
    left = cards_without(KNOWN, {"F01"}, sources)
    assert not any(c.category is Category.ROLE_VIOLATION for c in left)
    assert {c.id for c in KNOWN if c.verdict != "diagnosed"} <= {c.id for c in left}


def test_halves_share_no_category_and_hold_every_fault_once(tmp_path: Path) -> None:
    """Taking one half's cards never takes the other's, nor does a compound of two families; both halves are large."""
    replay = Replay(folders=(BUNDLED, BUNDLED.parent / "development"), each=1, orders=1, seed=1, work=tmp_path)
    labels = [load_label(s) for s in replay.sources()]
    one, two = replay.halves(replay.sources())

    def categories(half: frozenset[str]) -> set[Category]:
        return {c.category for label in labels if label.family in half for c in label.causes}

    assert not categories(one) & categories(two)
    assert sorted((*one, *two)) == sorted({x.family for x in labels if x.verdict is Verdict.DIAGNOSED})
    assert min(len(one), len(two)) >= 12


def test_more_episodes_keep_the_ones_there_were() -> None:
    """A longer replay goes on from a shorter one."""
    sources = find_cases(BUNDLED)[:2]
    few = {v.id: v for v in variants(sources, each=3, seed=4)}
    many = {v.id: v for v in variants(sources, each=6, seed=4)}
    assert few.items() <= many.items()
    assert {v.aspect for v in many.values()} == set(ASPECTS)


def of_a_host(row: dict[str, Any]) -> bool:
    return str(row.get("labels", {}).get("__name__", "")).startswith(("node_", "container_"))


def test_a_lighter_load_leaves_requests_out_whole() -> None:
    """An identifier is in all logs or in none; host metrics stay; nonsense is refused."""
    files = read_case_files(find_cases(BUNDLED)[0])
    lighter = lighter_load(files, 0.5)
    before = sum(len(s["entries"]) for s in files["logs.jsonl"])
    after = sum(len(s["entries"]) for s in lighter["logs.jsonl"])
    assert 0.3 * before < after < before
    assert [host for host in files["metrics.jsonl"] if of_a_host(host)] == [
        host for host in lighter["metrics.jsonl"] if of_a_host(host)]
    with pytest.raises(BadInput):
        lighter_load(files, 1.5)
