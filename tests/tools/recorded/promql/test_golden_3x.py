"""The engine under 3.x semantics against answers of a Prometheus 3.13 engine."""

from __future__ import annotations

from tests.tools.recorded.promql.shared_contract import contract_folder, golden_series, lines, verdict
from tools.recorded.promql.engine import Engine, Semantics, SeriesStore


def test_every_recorded_answer_of_3x_is_reproduced_errors_included() -> None:
    """All recorded questions give the recorded series, steps and values (1e-6), or an error where it refused."""
    folder = contract_folder("promql3")
    engine = Engine(SeriesStore(golden_series(folder / "golden_data.jsonl.gz")), Semantics(version=(3, 13)))
    questions = list(lines(folder / "golden_answers.jsonl.gz"))
    wrong = {q["query"]: problem for q in questions if (problem := verdict(engine, q, 1e-6)) is not None}
    assert len(questions) == 700
    assert not wrong
