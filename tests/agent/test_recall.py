"""Recall: by what was found, whatever the language; fast among a thousand; never more than a small credit."""

from __future__ import annotations

import random
import time
from pathlib import Path

import yaml

from agent.bigrams import BigramIndex, bigrams
from agent.card import load_cards
from agent.experience import MOST_CREDIT, Credit, Experience, with_priors
from agent.precedents import Precedents, Seen
from agent.runbooks import Passage, Runbooks, load_runbooks, passages
from agent.signature import Trait, similarity
from evals.bench.recall import recall_ms
from evals.bench.recall import stored as many

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "example" / "runbooks"


def changed(seen: Seen, rng: random.Random) -> dict[Trait, float]:
    """The same incident again: some traits fainter, some missing, some new, as other load and names make it."""
    kept = {t: min(1.0, max(0.3, s + rng.uniform(-0.2, 0.2))) for t, s in seen.signature.items() if rng.random() > 0.25}
    return kept | {Trait("level_changed", "up", "container", rng.choice(("", "active"))): 0.5}


def test_a_changed_incident_recalls_the_right_one_among_a_thousand() -> None:
    """Recall at three is at least 0.9 by findings alone, with notes in other words or none."""
    seen = many(1_000, seed=5)
    index, rng = Precedents(seen), random.Random(1)
    hits = 0
    for one in seen[:200]:
        found = index.search(changed(one, rng), text="전혀 다른 말 unrelated words")
        hits += one.id in [r.past.id for r in found]
    assert hits / 200 >= 0.9


def test_a_thousand_past_incidents_are_recalled_at_once() -> None:
    """p95 of this process' own time stays below 50 ms."""
    seen = many(1_000, seed=2)
    index = Precedents(seen)
    taken = []
    for one in seen[:60]:
        began = time.process_time()
        index.search(one.signature, text=one.text)
        taken.append(time.process_time() - began)
    assert sorted(taken)[56] < 0.05
    assert len(recall_ms(seen[:50], 5)) == 5


def test_what_was_not_looked_for_yet_says_nothing() -> None:
    """After the first questions a past incident is compared by what they could have found."""
    early, late = Trait("user_latency_up", "up"), Trait("segment_slower", "up")
    index = Precedents([Seen("a", "inc-a", 0, {early: 1.0, late: 1.0})])
    assert index.search({early: 1.0}, looked_for=frozenset({"user_latency_up"}))[0].similarity == 1.0
    assert index.search({early: 1.0})[0].similarity < 1.0


def test_a_finding_of_a_question_answered_in_part_makes_nobody_more_than_alike() -> None:
    """Its kind does not count as looked for, yet it was found: the same incident is 1 alike, not 1.4."""
    one = {Trait("oom_killed"): 1.0, Trait("restarted"): 1.0, Trait("trend"): 0.6}
    past = Precedents([Seen("case-1", "inc-1", 0, one)])
    found = past.search(one, looked_for=frozenset({"oom_killed"}))
    assert [r.similarity for r in found] == [1.0]


def test_old_and_wrong_memories_fade() -> None:
    """Of two alike, the newer and the confirmed one come first."""
    traits = {Trait("oom_killed", "", "container"): 1.0}
    year = 365 * 86_400_000
    seen = [Seen("old", "1", year, traits), Seen("new", "2", 3 * year, traits),
            Seen("wrong", "3", 3 * year, traits, wrong=3)]
    order = [r.past.id for r in Precedents(seen).search(traits, now_ms=3 * year)]
    assert order[0] == "new"


def test_likeness_has_no_direction() -> None:
    """Symmetric, whole with itself, nothing with nothing."""
    a = {Trait("oom_killed", "up", "container", "active"): 0.5, Trait("no_change"): 1.0}
    b = {Trait("no_change"): 0.25}
    assert similarity(a, b) == similarity(b, a)
    assert similarity(a, a) == 1.0
    assert similarity({}, {}) == 0.0


def test_two_syllable_korean_words_are_found() -> None:
    """What a trigram index misses."""
    index = BigramIndex(["대기열이 길다", "지연이 늘었다", "the queue grows"])
    assert [p for p, _ in index.search("지연")] == [1]
    assert [p for p, _ in index.search("QUEUE")] == [2]
    assert bigrams("가") == ["가"]


def test_search_survives_anything() -> None:
    """Empty, huge and broken text neither raise nor match."""
    index = BigramIndex(["", "a" * 100_000, "\ud800 x"])
    assert index.search("") == []
    assert BigramIndex([]).search("x") == []
    assert index.search("\x00" * 10_000) == []


def test_paragraphs_beat_lines_on_the_bundled_questions() -> None:
    """The first passage answers more of the bundled questions than the first line does, in either language."""
    asked = yaml.safe_load((ROOT / "evals" / "runbook_questions.yaml").read_text(encoding="utf-8"))
    lines = [Passage(p.name, "", line, n) for p in sorted(RUNBOOKS.glob("*.md"))
             for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1) if line.strip()]

    def answered(books: Runbooks) -> int:
        return sum(q["answer"] in " ".join(p.text.replace("\n", " ") for p in books.search(q["ask"], most=1))
                   for q in asked)

    paragraphs = answered(load_runbooks(RUNBOOKS))
    assert paragraphs > answered(Runbooks(lines))
    assert paragraphs >= 0.8 * len(asked)


def test_a_list_stays_with_the_sentence_that_leads_up_to_it() -> None:
    """And code in fences is not cut at its blank lines."""
    text = "# A\n\nDo this:\n- one\n- two\n\n## B\n\n```\nx\n\ny\n```\n"
    found = passages(text, "a.md")
    assert found[0].text == "Do this:\n- one\n- two"
    assert found[1].text == "```\nx\n\ny\n```"
    assert found[1].cite == "a.md:9 (A > B)"


def test_runbooks_that_cannot_be_read_take_no_other_away(tmp_path: Path) -> None:
    """Wrong encoding and too large are left out; secrets are hidden."""
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "good.md").write_text("# Key\n\nDB_PASSWORD=hunter2secret", encoding="utf-8")
    (tmp_path / "huge.md").write_text("x" * 1_100_000, encoding="utf-8")
    found = load_runbooks(tmp_path)
    assert len(found) == 1
    assert "hunter2secret" not in found.search("key")[0].text


def test_credit_is_bounded_and_shipped_cards_get_none() -> None:
    """A hundred confirmations lend no more than the bound; an edited prior cannot pass it either."""
    assert Credit(right=100).log_odds == MOST_CREDIT
    assert Credit(wrong=100).log_odds == -MOST_CREDIT
    cards = load_cards()
    assert with_priors(cards, {c.id: 50.0 for c in cards}) == cards
    assert with_priors(cards, {}) is cards


def test_no_experience_changes_nothing() -> None:
    """Empty, it recalls what the cards alone recall and gives no credit."""
    found = Experience().recall(load_cards(), [])
    assert (found.note(), dict(found.priors), found.past) == ("", {}, ())
