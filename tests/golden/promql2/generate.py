"""Asks a real Prometheus 2.x and writes down its answers: `python -m tests.golden.promql2.generate`.

The nasty series go into an empty server by remote write; the answers are committed, so that `make test` needs none.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals.bench.prometheus_server import PrometheusServer, running_prometheus
from tests.golden.promql2.chosen_queries import chosen_questions
from tests.golden.promql2.nasty_series import nasty_series
from tests.golden.promql2.random_queries import QueryDice, Question
from tools.recorded.metrics_file import write_metrics

FOLDER = Path(__file__).parent
SERIES = FOLDER / "series.jsonl.gz"
ANSWERS = FOLDER / "answers.jsonl.gz"
RANDOM_QUESTIONS = 300
SEED = 4


def main() -> int:
    series = nasty_series()
    write_metrics(SERIES, series)
    dice = QueryDice(SEED)
    questions = [*chosen_questions(), *(dice.question() for _ in range(RANDOM_QUESTIONS))]
    with tempfile.TemporaryDirectory() as folder, running_prometheus(Path(folder)) as server:
        server.write(series)
        rows = [asdict(question) | recorded(server, question) for question in questions]
        head = {"server": server.version, "questions": len(rows)}
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in [head, *rows])
    with ANSWERS.open("wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.write(text.encode())
    sys.stdout.write(f"{len(rows)} answers of Prometheus {head['server']}: {ANSWERS.stat().st_size / 1024:.0f} kB\n")
    return 0


def recorded(server: PrometheusServer, question: Question) -> dict[str, Any]:
    """`kind` and `result` (labels, ms, values as text), or `error` with the server's words."""
    if question.step_ms == 0:
        answer = server.instant(question.query, question.start_ms)
    else:
        answer = server.range(question.query, question.start_ms, question.end_ms, question.step_ms)
    if answer["status"] != "success":
        return {"error": answer["error"]}
    kind, result = answer["data"]["resultType"], answer["data"]["result"]
    if kind == "string":
        return {"kind": kind, "result": [], "text": result[1]}
    if kind == "scalar":
        result = [{"metric": {}, "value": result}]
    return {"kind": kind, "result": [_series(one) for one in result]}


def _series(one: dict[str, Any]) -> dict[str, Any]:
    points = one["values"] if "values" in one else [one["value"]]
    return {"labels": one["metric"], "ms": [round(at * 1000) for at, _ in points], "values": [v for _, v in points]}


if __name__ == "__main__":
    sys.exit(main())
