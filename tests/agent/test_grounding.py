"""Grounding: numbers, times, quotes and names of a sentence are in its evidence, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.card import load_cards
from agent.conclusion import conclude
from agent.grounding import ground, unsupported
from agent.odds import assess, gather
from agent.prose import LANGUAGES
from tests.agent.told import FINDS, STRAY_STORY, as_dicts, observe

EVIDENCE = as_dicts(*STRAY_STORY)
BASE = ground([EVIDENCE["E2"]], EVIDENCE.values())


@pytest.mark.parametrize("text", [
    "crunch-left did 48 % of the work.",
    "crunch-left handled 212 of 431 jobs.",
    "crunch-left works since 11:06:40.",
    "crunch-left works since 11:06.",
    "At 11:06:40: crunch-left works.",
    "crunch-left이 작업의 48%를 처리했습니다.",
    "The share of crunch-right fell to 0.52.",
])
def test_what_the_evidence_holds_may_be_said(text: str) -> None:
    """Rounding, percent, clock times and Korean particles are understood."""
    assert unsupported(text, BASE) == []


@pytest.mark.parametrize(("text", "said"), [
    ("crunch-left did 61 % of the work.", "61"),
    ("crunch-left handled 213 of 431 jobs.", "213"),
    ("crunch-left works since 03:09:40.", "03:09:40"),
    ("crunch-left ate 1,904 jobs.", "1904"),
    ("worker-green ate the jobs.", "worker-green"),
    ("crunch-left logged \"schema mismatch v3\".", "schema mismatch"),
    ("crunch-left이 작업의 99%를 처리했습니다.", "99"),
    ("Users wait 9.7 s.", "9.7"),
    ("It began at 2026-01-01T00:00:00Z.", "2026-01-01"),
])
def test_what_the_evidence_does_not_hold_is_named(text: str, said: str) -> None:
    """An invented number, time, quote or name is refused, and the complaint says which."""
    reasons = unsupported(text, BASE)
    assert reasons
    assert said in " ".join(reasons)


def test_a_number_of_other_evidence_does_not_count() -> None:
    """4.2 s stands in E1; a claim that cites E2 may not use it."""
    assert unsupported("Users wait 4.2 s.", BASE)
    assert unsupported("Users wait 4.2 s.", ground([EVIDENCE["E1"]], EVIDENCE.values())) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_the_analyst_writes_is_grounded(lang: str) -> None:
    """The analyst is held to the same law as any model, in both languages."""
    facts = gather(observe(*STRAY_STORY), FINDS)
    for claim in conclude(assess(load_cards(), facts), facts, lang=lang).claims:
        cited = [EVIDENCE[i] for i in claim.evidence]
        assert unsupported(claim.text, ground(cited, EVIDENCE.values())) == [], claim.text


@given(st.text(max_size=300))
def test_no_text_breaks_the_check(text: str) -> None:
    """Whatever a model writes, the check answers."""
    assert isinstance(unsupported(text, BASE), list)


@given(st.integers(min_value=600, max_value=10**9))
def test_no_large_invented_number_passes(number: int) -> None:
    """Numbers that are nowhere in the evidence are always refused."""
    assert unsupported(f"crunch-left did {number} jobs.", BASE)
