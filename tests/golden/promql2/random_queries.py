"""Random nested PromQL over the nasty series: valid by construction, sometimes refused for what the data holds."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tests.golden.promql2.nasty_series import BEGIN_MS, SPAN_S

LABELS = ("svc", "inst", "code", "region", "kind", "le", "n", "version")
TARGET = ('svc="a"', 'svc!="c"', 'svc=~"a|b"', 'inst!~"2"', 'region="서울"', 'nope=""', 'inst=~"1|3"')
NUMBERED = ('n="1"', 'n=~"1|2"', 'n!="2"')
METRICS = {
    "req_total": (*TARGET, 'code=~"5..|4.."', 'code="200"'),
    "lat_bucket": (*TARGET, 'le!="0.5"', 'le="1"'),
    "mem_bytes": (*TARGET, 'kind="heap"'),
    "up": TARGET,
    "temp": TARGET,
    "limit_bytes": ('svc="a"', 'svc!="c"'),
    "build_info": ('svc="a"', 'version="v1"'),
    "aligned": NUMBERED,
    "sparse": NUMBERED,
    "date": NUMBERED,
}
RANGES = ("1m", "2m", "5m", "7m", "30s", "15m", "1h")
OVER_TIME = (
    "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "avg_over_time", "sum_over_time",
    "min_over_time", "max_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time", "last_over_time",
    "present_over_time", "absent_over_time",
)  # fmt: skip
PLAIN = (
    "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sgn", "sort", "sort_desc", "timestamp", "absent",
    "atan", "sin", "deg", "minute", "hour", "day_of_week", "day_of_month", "days_in_month", "month", "year",
    "day_of_year",
)  # fmt: skip
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
COMPARISON = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Question:
    """step_ms 0 is an instant query at start_ms."""

    query: str
    start_ms: int
    end_ms: int
    step_ms: int


class QueryDice:
    """A seeded source of questions."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def question(self) -> Question:
        query = self.vector(self.dice.choice((0, 1, 1, 2, 2, 3)))
        at = BEGIN_MS + self.dice.choice((self.dice.randrange(SPAN_S * 1000), self.dice.randrange(60) * 60_000))
        if self.dice.random() < 0.5:
            return Question(query, at, at, 0)
        step = self.dice.choice((47_000, 60_000, 300_000, 1_000 * self.dice.randrange(13, 700)))
        end = min(at + step * self.dice.randrange(1, 12), BEGIN_MS + SPAN_S * 1000 + 300_000)
        return Question(query, at, end, step)

    def vector(self, depth: int) -> str:
        if depth <= 0:
            return self.selector()
        shapes = (self._over_range, self._aggregation, self._operator, self._function, self._set, self._histogram)
        return self.dice.choices((*shapes, self._labels), (5, 5, 5, 3, 2, 1, 1))[0](depth)

    def selector(self) -> str:
        metric = self.dice.choice(tuple(METRICS))
        picked = self.dice.sample(METRICS[metric], self.dice.choice((0, 0, 0, 1, 1, 2)))
        if self.dice.random() < 0.04:
            metric, picked = "", ['__name__=~"mem_bytes|limit_bytes"']
        return metric + ("{" + ",".join(picked) + "}" if picked else "") + self._shift()

    def _shift(self) -> str:
        moment = (BEGIN_MS + self.dice.randrange(SPAN_S * 1000)) / 1000
        at = self.dice.choice((" @ start()", " @ end()", f" @ {moment}"))
        offset = self.dice.choice((" offset 1m", " offset 37s", " offset 5m", " offset -2m"))
        return (at if self.dice.random() < 0.12 else "") + (offset if self.dice.random() < 0.2 else "")

    def _range(self, depth: int) -> str:
        if depth <= 1 or self.dice.random() < 0.6:
            bare, _, shift = self.selector().partition(" ")
            return f"{bare}[{self.dice.choice(RANGES)}]{' ' + shift if shift else ''}"
        span, step = self.dice.choice(("2m", "5m", "11m", "30m")), self.dice.choice(("", "15s", "1m", "47s", "2m"))
        return f"({self.vector(depth - 2)})[{span}:{step}]{self._shift()}"

    def _over_range(self, depth: int) -> str:
        window = self._range(depth)
        kind = self.dice.random()
        if kind < 0.08:
            return f"quantile_over_time({self.dice.choice(('0.5', '0.9', '0', '1', '-1', '1.5', '0.333'))}, {window})"
        if kind < 0.14:
            window = self._unfixed(window)
            return f"predict_linear({window}, {self.dice.choice(('60', '600', '-30'))})"
        if kind < 0.18:
            return f"holt_winters({window}, 0.{self.dice.randrange(1, 10)}, 0.{self.dice.randrange(1, 10)})"
        return f"{self.dice.choice(OVER_TIME)}({window})"

    @staticmethod
    def _unfixed(window: str) -> str:
        """Without `@`: 2.42 lets the fixed window of predict_linear lose samples as the steps move on."""
        return re.sub(r" @ (?:start\(\)|end\(\)|[\d.]+)", "", window)

    def _grouping(self) -> str:
        kind = self.dice.choice((" ", " by ", " by ", " without "))
        labels = self.dice.sample(LABELS, self.dice.randrange(3))
        return f"{kind}({', '.join(labels)}) " if kind != " " else " "

    def _aggregation(self, depth: int) -> str:
        inner, grouping = self.vector(depth - 1), self._grouping().rstrip()
        kind = self.dice.random()
        if kind < 0.12:
            return f"quantile{grouping} ({self.dice.choice(('0.5', '0.9', '0', '1', '-0.1', '2'))}, {inner})"
        if kind < 0.22:
            return f"{self.dice.choice(('topk', 'bottomk'))}{grouping} ({self.dice.randrange(4)}, {self._untied()})"
        if kind < 0.27:
            return f'count_values{grouping} ("value", {inner})'
        return f"{self.dice.choice(AGGREGATIONS)}{grouping} ({inner})"

    def _untied(self) -> str:
        """Something without equal values: of those, which one is best is not determined."""
        picked = self.dice.choice(("", '{svc="a"}', '{kind="heap"}', '{inst!="2"}'))
        of_range = self.dice.choice(("avg_over_time", "max_over_time", "deriv", "rate", "stddev_over_time"))
        return self.dice.choice(
            (f"mem_bytes{picked}", f"{of_range}(mem_bytes{picked}[5m])", "sum by (svc, inst) (mem_bytes)")
        )

    def _operator(self, depth: int) -> str:
        compares = self.dice.random() < 0.4
        operator = self.dice.choice(COMPARISON if compares else ARITHMETIC)
        flag = " bool" if compares and self.dice.random() < 0.4 else ""
        left = self.vector(depth - 1)
        if self.dice.random() < 0.4:
            scalar = self.dice.choice(("0.5", "2", "-3", "1e8", "Inf", "NaN", "time()", "scalar(limit_bytes{svc='a'})"))
            sides = (scalar, f"({left})") if self.dice.random() < 0.3 else (f"({left})", scalar)
            return f"{sides[0]} {operator}{flag} {sides[1]}"
        return self._joined(left, operator + flag, depth)

    def _joined(self, left: str, operator: str, depth: int) -> str:
        kind = self.dice.random()
        if kind < 0.3:
            return f"({left}) {operator} ({left if self.dice.random() < 0.5 else self.vector(depth - 1)})"
        if kind < 0.5:
            one = self.dice.choice(("limit_bytes", 'build_info{version="v1"}', "build_info", "sum by (svc) (up)"))
            include = self.dice.choice(("()", "()", "(version)"))
            return f"({left}) {operator} on (svc) group_left {include} ({one})"
        if kind < 0.6:
            return f"(avg by (svc) (mem_bytes)) {operator} on (svc) group_right () ({left})"
        labels = ", ".join(self.dice.sample(LABELS, self.dice.randrange(1, 4)))
        matching = self.dice.choice((f"on ({labels})", f"ignoring ({labels})"))
        return f"(sum by ({labels}) ({left})) {operator} {matching} (max by ({labels}) ({self.vector(depth - 1)}))"

    def _set(self, depth: int) -> str:
        ways = ("", "", " on (svc)", " on (svc, inst)", " ignoring (code)", " ignoring (code, le, kind)")
        matching = self.dice.choice(ways)
        operator = self.dice.choice(("and", "or", "unless"))
        return f"({self.vector(depth - 1)}) {operator}{matching} ({self.vector(depth - 1)})"

    def _function(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        kind = self.dice.random()
        if kind < 0.08:
            return f"clamp({inner}, {self.dice.randrange(-3, 3)}, {self.dice.randrange(0, 6)})"
        if kind < 0.16:
            return f"{self.dice.choice(('clamp_min', 'clamp_max'))}({inner}, {self.dice.choice(('0', '1e8', 'NaN'))})"
        if kind < 0.24:
            return f"round({inner}, {self.dice.choice(('0.5', '5', '0.001', '0'))})"
        if kind < 0.3:
            return f"-({inner})"
        if kind < 0.36:
            return f"vector(scalar({inner}))"
        return f"{self.dice.choice(PLAIN)}({inner})"

    def _histogram(self, depth: int) -> str:
        level = self.dice.choice(("0.5", "0.9", "0.99", "0", "1", "-1", "2", "NaN"))
        buckets = self.dice.choice(
            (
                "lat_bucket",
                "sum by (le) (rate(lat_bucket[5m]))",
                "sum by (le, svc) (increase(lat_bucket[2m]))",
                "rate(lat_bucket[1m])",
                'lat_bucket{le!="0.5"}',
                f"({self.vector(depth - 1)})",
            )
        )
        return f"histogram_quantile({level}, {buckets})"

    def _labels(self, depth: int) -> str:
        inner = self.vector(depth - 1)
        target = self.dice.choice(("fresh", "inst", "svc", "__name__"))
        if self.dice.random() < 0.4:
            sources = ", ".join(f'"{name}"' for name in self.dice.sample(LABELS, self.dice.randrange(1, 3)))
            return f'label_join({inner}, "{target}", "-", {sources})'
        pattern, replacement = self.dice.choice(
            (("(.*)", "x-$1"), ("a|b", "$0"), ("(.)(.*)", "${2}_$1"), ("[ab]", ""), ("(?P<w>.+)", "$w"), ("", "none"))
        )
        return f'label_replace({inner}, "{target}", "{replacement}", "{self.dice.choice(LABELS)}", "{pattern}")'
