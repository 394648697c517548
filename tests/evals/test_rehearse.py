"""Rehearsal: what is remembered of inference is what it says, and a card is held to the most it may be lent."""

from __future__ import annotations

import pytest

from agent.conclusion import component
from agent.experience import MOST_CREDIT
from agent.odds import assess, roots
from evals.example import Example
from evals.learn import learn
from evals.rehearse import rehearse
from tests.evals.incidents_told import drift, found, leak, quiet
from tests.evals.test_school import KNOWN

LEAK = learn([leak()], contrasts=[quiet(), drift()], known=KNOWN).card
assert LEAK is not None


@pytest.mark.parametrize("example", [leak("box-q", 5), drift(), quiet(), leak(extra=(found("user_errors_up"),))],
                         ids=["leak", "drift", "quiet", "with errors"])
def test_what_is_remembered_is_what_inference_says(example: Example) -> None:
    """Leaving out whoever is not confident alone changes no root, the first time and again."""
    cards = (*KNOWN, LEAK)
    told = [(c.card.id, component(c).name, round(c.log_odds, 9)) for c in roots(assess(cards, example.facts))]
    for _ in range(2):
        assert [(c.card.id, component(c).name, round(c.log_odds, 9)) for c in example.causes(cards)] == told


def test_a_card_must_not_take_an_answer_with_the_credit_it_may_be_lent() -> None:
    """Just short of naming its cause in a healthy system, it is refused; without anything to say there it is kept."""
    short = LEAK.model_copy(update={"refutes": ()})
    example = leak("box-z", 9)
    healthy = Example("case-fine", "inc-fine", quiet().label, example.observations, example.service_kinds)
    odds = max(c.log_odds for c in assess((short,), healthy.facts) if not c.open)
    just = short.model_copy(update={"prior": short.prior + 0.84 - odds - MOST_CREDIT / 2})  # 0.7 is 0.847 in log-odds
    assert not healthy.confident(just)
    assert rehearse(just, [], [healthy], ()).taken == (healthy,)
    silent = just.model_copy(update={"prior": just.prior - 2 * MOST_CREDIT})
    assert rehearse(silent, [], [healthy], ()).taken == ()
