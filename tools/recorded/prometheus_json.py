"""Answers as Prometheus' HTTP API writes them (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tools.recorded.promql.engine import Answer


def success(data: Any, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """The envelope of an answer."""
    return {"status": "success", "data": data, **({"warnings": list(warnings)} if warnings else {})}


def failure(kind: str, message: str) -> dict[str, Any]:
    """The envelope of an error; `kind` is bad_data, execution, timeout, not_found…"""
    return {"status": "error", "errorType": kind, "error": message}


def query_data(answer: Answer, *, ranged: bool) -> dict[str, Any]:
    """`data` of query (instant) and query_range."""
    if answer.kind == "string":
        return {"resultType": "string", "result": [seconds(int(answer.series[0][1][0])), answer.text]}
    if answer.kind == "scalar" and not ranged:
        _, ms, values = answer.series[0]
        return {"resultType": "scalar", "result": [seconds(int(ms[0])), number(float(values[0]))]}
    if ranged or answer.kind == "matrix":
        rows = [{"metric": dict(labels), "values": _points(ms.tolist(), values.tolist())}
                for labels, ms, values in answer.series]
        return {"resultType": "matrix", "result": rows}
    return {"resultType": "vector", "result": [
        {"metric": dict(labels), "value": [seconds(int(ms[0])), number(float(values[0]))]}
        for labels, ms, values in answer.series]}


def _points(ms: Sequence[int], values: Sequence[float]) -> list[list[Any]]:
    return [[seconds(t), number(v)] for t, v in zip(ms, values, strict=True)]


def seconds(ms: int) -> int | float:
    """Unix seconds, with decimals only where there are milliseconds."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def number(value: float) -> str:
    """A float as Go's shortest form writes it: no exponent between 1e-6 and 1e21; NaN, +Inf, -Inf by name."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(value).partition("e")
    digits = exponent.lstrip("+-").zfill(2)
    if exponent.startswith("-"):
        return f"{mantissa.removesuffix('.0')}e-{digits.lstrip('0')}"
    return f"{mantissa.removesuffix('.0')}e+{digits}"


def metadata(names: Sequence[str]) -> Mapping[str, Any]:
    """Types and help were not recorded: each metric is `unknown`, as Prometheus says where a target tells nothing."""
    return {name: [{"type": "unknown", "help": "", "unit": ""}] for name in names}
