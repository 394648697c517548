"""Our engine and a real Prometheus are asked the same random questions."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from evals.bench.prometheus_server import PrometheusServer
from tests.golden.promql2.generate import recorded
from tests.golden.promql2.nasty_series import nasty_series
from tests.golden.promql2.random_queries import QueryDice
from tests.live.prometheus import prometheus_server
from tests.tools.recorded.promql.shared_contract import verdict
from tools.recorded.promql.engine import Engine, SeriesStore

__all__ = ["prometheus_server"]

QUESTIONS = 2_000
SEED = 77


@pytest.mark.live
def test_random_questions_are_answered_as_a_real_server_answers_them(prometheus_server: PrometheusServer) -> None:
    """Of 2,000 seeded random questions at least 99.5 % agree to 1e-9 relative; every difference is printed."""
    series = nasty_series(seed=SEED)
    prometheus_server.write(series)
    engine, dice = Engine(SeriesStore(series)), QueryDice(SEED)
    differences = []
    for _ in range(QUESTIONS):
        question = dice.question()
        problem = verdict(engine, asdict(question) | recorded(prometheus_server, question), 1e-9)
        if problem is not None:
            differences.append(f"{question}\n    {problem}")
    print(f"{QUESTIONS - len(differences)} of {QUESTIONS} agree", *differences, sep="\n")  # noqa: T201
    assert len(differences) <= QUESTIONS * 0.005
