"""Answers in the form of Prometheus' HTTP API."""

from __future__ import annotations

from typing import Any

from tools.recorded.promql.engine import Answer
from tools.recorded.promql.numbers import api_number


def api_data(answer: Answer) -> dict[str, Any]:
    """The `data` object of /api/v1/query and /api/v1/query_range: resultType and result, values as text."""
    if answer.kind in ("scalar", "string"):
        _, ms, values = answer.series[0]
        value = answer.text if answer.kind == "string" else api_number(float(values[0]))
        return {"resultType": answer.kind, "result": [_seconds(int(ms[0])), value]}
    if answer.kind == "vector":
        result: list[dict[str, Any]] = [
            {"metric": labels, "value": [_seconds(int(ms[0])), api_number(float(values[0]))]}
            for labels, ms, values in answer.series
        ]
        return {"resultType": "vector", "result": result}
    result = [
        {
            "metric": labels,
            "values": [[_seconds(at), api_number(v)] for at, v in zip(ms.tolist(), values.tolist(), strict=True)],
        }
        for labels, ms, values in answer.series
    ]
    return {"resultType": "matrix", "result": result}


def _seconds(ms: int) -> int | float:
    """Whole seconds without a point, as the server prints them."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000
