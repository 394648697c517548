"""Answers as Prometheus' HTTP API writes them (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.recorded.promql.engine import Answer
from tools.recorded.promql.numbers import api_number


def success(data: Any, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> dict[str, Any]:
    """The envelope of an answer."""
    notes = {"warnings": list(warnings), "infos": list(infos)}
    return {"status": "success", "data": data, **{kind: texts for kind, texts in notes.items() if texts}}


def failure(kind: str, message: str) -> dict[str, Any]:
    """The envelope of an error; `kind` is bad_data, execution, timeout, not_found…"""
    return {"status": "error", "errorType": kind, "error": message}


def query_data(answer: Answer, *, ranged: bool) -> dict[str, Any]:
    """`data` of query (instant) and query_range."""
    if answer.kind == "string":
        return {"resultType": "string", "result": [seconds(int(answer.series[0][1][0])), answer.text]}
    if answer.kind == "scalar" and not ranged:
        _, ms, values = answer.series[0]
        return {"resultType": "scalar", "result": [seconds(int(ms[0])), api_number(float(values[0]))]}
    if ranged or answer.kind == "matrix":
        rows = [{"metric": dict(labels), "values": _points(ms.tolist(), values.tolist())}
                for labels, ms, values in answer.series]
        return {"resultType": "matrix", "result": rows}
    return {"resultType": "vector", "result": [
        {"metric": dict(labels), "value": [seconds(int(ms[0])), api_number(float(values[0]))]}
        for labels, ms, values in answer.series]}


def _points(ms: Sequence[int], values: Sequence[float]) -> list[list[Any]]:
    return [[seconds(t), api_number(v)] for t, v in zip(ms, values, strict=True)]


def seconds(ms: int) -> int | float:
    """Unix seconds, with decimals only where there are milliseconds."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def metadata(names: Sequence[str]) -> Mapping[str, Any]:
    """Types and help were not recorded: each metric is `unknown`, as Prometheus says where a target tells nothing."""
    return {name: [{"type": "unknown", "help": "", "unit": ""}] for name in names}
