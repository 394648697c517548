"""The engine under 2.42 semantics against committed answers of a real Prometheus 2.42."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.errors import UnsupportedQuery
from tests.golden.promql2.chosen_queries import chosen_questions
from tests.tools.recorded.promql.shared_contract import ask, lines, verdict
from tools.recorded.metrics_file import read_metrics
from tools.recorded.promql.engine import Answer, Engine, SeriesStore

GOLDEN = Path(__file__).parents[3] / "golden" / "promql2"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(SeriesStore(read_metrics(GOLDEN / "series.jsonl.gz")))


@pytest.fixture(scope="module")
def questions() -> list[dict[str, Any]]:
    return list(lines(GOLDEN / "answers.jsonl.gz"))[1:]


def test_every_recorded_answer_of_2x_is_reproduced_errors_included(
    engine: Engine, questions: list[dict[str, Any]]
) -> None:
    """All answers agree to 1e-9 relative, or both sides refuse; an exception is listed with its reason, and is one."""
    wrong = {q["query"]: problem for q in questions if (problem := verdict(engine, q, 1e-9)) is not None}
    excused = {one["query"]: one["reason"] for one in json.loads((GOLDEN / "exceptions.json").read_text())}
    assert len(questions) > 400
    assert {query: problem for query, problem in wrong.items() if query not in excused} == {}
    assert set(excused) <= set(wrong), "an exception that is none any more"
    assert all(excused.values())


def test_answers_have_the_recorded_kind_and_order(engine: Engine, questions: list[dict[str, Any]]) -> None:
    """Scalar, vector, matrix and string are told apart, and sort and topk answer in the server's order."""
    for question in (q for q in questions if "error" not in q):
        answer = ask(engine, question)
        if isinstance(answer, UnsupportedQuery):
            continue
        assert isinstance(answer, Answer)
        assert (answer.kind, answer.text) == (question["kind"], question.get("text", "")), question["query"]
        if question["query"].startswith(("sort_desc(mem", "sort(mem", "topk(2", "bottomk(2")):
            assert [labels for labels, _, _ in answer.series] == [one["labels"] for one in question["result"]]


def test_committed_questions_are_those_of_the_generator(questions: list[dict[str, Any]]) -> None:
    """A question added by hand is asked of the server too: the committed file is regenerated."""
    asked = {(q["query"], q["start_ms"], q["step_ms"]) for q in questions}
    assert {(q.query, q.start_ms, q.step_ms) for q in chosen_questions()} <= asked
