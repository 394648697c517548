"""Questions chosen by hand, so that every function, aggregation, operator and modifier of 2.42 is asked once."""

from __future__ import annotations

from tests.golden.promql2.nasty_series import BEGIN_MS, SPAN_S
from tests.golden.promql2.random_queries import Question

MINUTE = 60_000

_WINDOWED = (
    "absent_over_time", "avg_over_time", "changes", "count_over_time", "delta", "deriv", "idelta", "increase", "irate",
    "last_over_time", "max_over_time", "min_over_time", "present_over_time", "rate", "resets", "stddev_over_time",
    "stdvar_over_time", "sum_over_time",
)  # fmt: skip
_PER_VALUE = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp", "floor", "ln",
    "log10", "log2", "rad", "sgn", "sin", "sinh", "sqrt", "tan", "tanh", "round", "sort", "sort_desc", "timestamp",
    "absent",
)  # fmt: skip
_CALENDAR = ("day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year")

_OTHERS = r"""
time()
pi() * 2
vector(1)
vector(time())
scalar(limit_bytes{svc="a"})
scalar(limit_bytes)
scalar(nothing)
hour()
year()
minute()
day_of_week()
month(vector(0))
absent(nothing)
absent(nothing{a="b", c!="d", e=~"f", g="h", g="i"})
absent((nothing{a="b"}))
absent(sum(nothing))
absent_over_time(nothing{a="b"}[5m])
absent_over_time(nothing[5m:1m])
absent_over_time(first_half[5m])
clamp(temp, -1, 1)
clamp(temp, 5, 1)
clamp(temp, NaN, 1)
clamp_min(temp, 0)
clamp_max(temp, 0)
round(temp, 0.5)
round(temp, 0)
round(temp, -2)
round(mem_bytes, 1e6)
holt_winters(mem_bytes[5m], 0.3, 0.6)
holt_winters(aligned[5m], 1.5, 0.5)
holt_winters(nothing[5m], 1.5, 0.5)
predict_linear(mem_bytes[5m], 600)
predict_linear(flat[5m], 600)
predict_linear(aligned[5m] @ start(), 600)
predict_linear(mem_bytes[5m] offset 5m, 600)
quantile_over_time(0.9, mem_bytes[5m])
quantile_over_time(-1, mem_bytes[5m])
quantile_over_time(2, mem_bytes[5m])
quantile_over_time(NaN, mem_bytes[5m])
quantile_over_time(0.5, temp[5m])
quantile_over_time(scalar(lone), aligned[5m])
histogram_quantile(0.9, lat_bucket)
histogram_quantile(0.5, rate(lat_bucket[5m]))
histogram_quantile(0.99, sum by (le) (rate(lat_bucket[5m])))
histogram_quantile(0.5, lat_bucket{le!="+Inf"})
histogram_quantile(0.5, lat_bucket{le=~"0.1|[+]Inf"})
histogram_quantile(0.5, lat_bucket{le="+Inf"})
histogram_quantile(0, lat_bucket)
histogram_quantile(1, lat_bucket)
histogram_quantile(-0.1, lat_bucket)
histogram_quantile(1.1, lat_bucket)
histogram_quantile(NaN, lat_bucket)
histogram_quantile(0.5, label_replace(lat_bucket, "le", "x", "le", "1"))
histogram_quantile(0.5, up)
histogram_fraction(0, 1, lat_bucket)
label_replace(up, "host", "$1-$2", "svc", "(.)(.*)")
label_replace(up, "svc", "", "svc", "a|b")
label_replace(up, "inst", "same", "svc", ".*")
label_replace(up, "host", "${1}0", "svc", "(.*)")
label_replace(up, "host", "$1x", "svc", "(.*)")
label_replace(up, "host", "$$1", "svc", "(.*)")
label_replace(up, "host", "$name", "svc", "(?P<name>.*)")
label_replace(up, "__name__", "down", "svc", "a")
label_replace(up, "0bad", "x", "svc", "a")
label_replace(up, "host", "x", "svc", "(")
label_replace(up, "host", "x", "missing", "")
label_replace({__name__=~"first_half|second_half"}, "__name__", "half", "x", "1")
label_replace(quoted, "text", "$1", "text", "a(.*)d")
label_join(up, "host", "/", "svc", "inst")
label_join(up, "host", "/", "missing", "inst")
label_join(up, "inst", "")
label_join(up, "", "/", "svc")
sum(up)
sum by (svc) (req_total)
sum by (svc, missing) (req_total)
sum without (code, inst) (req_total)
sum by () (req_total)
sum without () (req_total)
sum by (__name__) ({__name__=~"up|aligned|limit_bytes"})
avg by (region) (mem_bytes)
avg(huge)
sum(huge)
avg by (svc) (temp)
min by (svc) (temp)
max by (svc) (temp)
min(temp{svc="c"})
count by (code) (req_total)
count(nothing)
group by (svc) (up)
stddev by (svc) (mem_bytes)
stdvar by (svc) (mem_bytes)
stddev(flat)
stddev by (inst) (temp{svc="c"})
stdvar(temp{svc="c"})
topk(2, mem_bytes)
topk by (svc) (1, mem_bytes)
topk(0, up)
topk(-1, up)
topk(1000, up)
topk(NaN, up)
topk(1e30, up)
bottomk(2, mem_bytes)
bottomk without (inst, kind) (1, mem_bytes)
bottomk(3, {__name__="temp", svc="c", inst="1"})
topk(scalar(up{svc="a", inst="1"}), mem_bytes)
quantile(0.5, mem_bytes)
quantile by (svc) (0.25, mem_bytes)
quantile(-1, mem_bytes)
quantile(2, mem_bytes)
quantile(NaN, mem_bytes)
quantile(0.5, temp)
quantile by (svc) (0.9, temp)
count_values("v", up)
count_values by (svc) ("v", up)
count_values without (inst, region) ("svc", up)
count_values("v", temp{svc="c"})
count_values("v", huge)
count_values("not valid", up)
stddev_over_time(flat[30m])
avg_over_time(huge[30m])
sum_over_time(huge[30m])
-up
+up
-{__name__=~"first_half|second_half"}
abs({__name__=~"first_half|second_half"})
rate({__name__=~"first_half|second_half"}[5m])
last_over_time({__name__=~"first_half|second_half"}[5m])
{__name__=~"first_half|second_half"} + 1
{__name__=~"first_half|second_half"} > bool 0
{__name__=~"aligned|sparse"} * 2
count_over_time({__name__=~"aligned|sparse"}[5m])
1 + 2 * 3 ^ 2 % 5 - 4 / 2
-1 ^ 2
2 ^ 3 ^ 2
1 / 0
-1 / 0
0 / 0
-5 % 3
5 % 0
1 atan2 0
1 > bool 2
1 == bool 1
NaN == bool NaN
0x1F + .5 + 1e-3
Inf - Inf
aligned + 1
1 - aligned
aligned * aligned
aligned / sparse
aligned % 7
-aligned % 7
aligned ^ 0.5
aligned atan2 2
aligned atan2 aligned
aligned == 5
5 <= aligned
aligned != bool 5
aligned > 5 < 30
aligned >= on (n) sparse
aligned < bool on (n) sparse
temp == temp
temp != temp
temp > -Inf
mem_bytes / on (svc) group_left () limit_bytes
limit_bytes / on (svc) group_right () mem_bytes
mem_bytes / ignoring (inst, kind, region) group_left limit_bytes
mem_bytes * on (svc) group_left (version) build_info
build_info * on (svc) group_right (version) up
up * on (svc) group_left (missing) limit_bytes
sum by (svc, kind) (mem_bytes) - ignoring (kind) group_left sum by (svc) (mem_bytes)
up + on (svc) up
up + on (svc) limit_bytes
up > on (svc) limit_bytes
req_total + ignoring (code) req_total
mem_bytes * on (svc) group_left () up
up * on (svc, inst) group_left (code) req_total{code="200"}
req_total * on (svc, inst) group_left (code) req_total{code="200"}
nothing + on (svc) up
up + on () vector(1)
sum(up) * on () group_right () up
up and on (svc) limit_bytes
up and limit_bytes
up and ignoring (inst, region) limit_bytes
up or limit_bytes
up or on (svc) limit_bytes
limit_bytes or on (svc) up
up unless on (svc) limit_bytes
up unless up{svc="a"}
up unless nothing
nothing or up
nothing and up
first_half or second_half
first_half or on (x) second_half
first_half + on (x) second_half
up == 1 and on (svc) limit_bytes > 3e8 or aligned unless sparse
up{svc="a"}
up{svc!="a"}
up{svc=~"a|b"}
up{svc=~"a"}
up{svc!~"a|b"}
up{svc=~".+"}
up{svc=~""}
up{missing=""}
up{missing!=""}
up{missing=~".*"}
up{region="서울"}
up{region=~"서.|부산"}
quoted{text="a\"b\\c\nd"}
quoted{text=~"a.*d"}
quoted{text=~"(?s)a.*d"}
{__name__="up"}
{__name__=~"al.*", n="1"}
{__name__=~"(?i)UP"}
up{svc=~"("}
up{}
{}
{svc=~".*"}
nothing
lone
sparse
aligned offset 1m
aligned offset -1m
aligned offset 1m30s500ms
aligned offset 1w
aligned @ 1760001600
aligned @ 1760001600.5
aligned @ 1760001600 offset 5m
aligned offset 5m @ 1760001600
aligned @ start()
aligned @ end()
aligned @ end() offset 7m
aligned @ -5
rate(aligned_total[5m] @ 1760001600)
rate(aligned_total[5m] offset 1m)
rate(aligned_total[5m] @ end())
rate(aligned_total[1m])
rate(aligned_total[59s999ms])
count_over_time(aligned[1m])
count_over_time(aligned[2m])
count_over_time(aligned[1m] offset 1ms)
timestamp(aligned)
timestamp(aligned offset 5m)
timestamp(aligned @ 1760001600)
timestamp(aligned + 0)
timestamp((aligned))
timestamp(sparse)
timestamp(timestamp(aligned))
max_over_time(aligned[5m:1m])
max_over_time(aligned[5m:])
count_over_time(aligned[5m:7s])
count_over_time(aligned[5m:13s] offset 1m)
count_over_time(aligned[5m:1m] @ 1760001600)
count_over_time(aligned[5m:1m] @ end() offset 1m)
sum_over_time(rate(req_total{svc="a", code="200"}[2m])[10m:30s])
rate(sum by (svc) (req_total)[10m:1m])
max_over_time(sum_over_time(aligned[2m])[10m:2m])
max_over_time((aligned @ 1760001600)[5m:1m])
sum_over_time(vector(time())[5m:1m])
min_over_time((up == 1)[5m:30s])
deriv(first_half[10m:1m])
stddev_over_time((aligned > 10)[5m:30s])
quantile_over_time(0.5, (temp > 0)[10m:45s])
holt_winters((mem_bytes - 1e8)[10m:30s], 0.5, 0.5)
changes(build_info[10m])
changes(temp{svc="c"}[15m])
resets(req_total[30m])
resets(temp{svc="c"}[15m])
increase(aligned_total[10m])
delta(temp[5m])
irate(req_total[30s])
idelta(aligned[3m])
sum(rate(req_total{code="500"}[5m])) / sum(rate(req_total[5m]))
100 * (1 - avg by (svc) (up))
count by (svc) (up == 0) > 0
sum by (svc) (mem_bytes) / on (svc) limit_bytes > 0.1
max by (svc) (rate(req_total[5m])) > 2 * min by (svc) (rate(req_total[5m]))
sort(mem_bytes)
sort_desc(temp)
sort(temp{svc="c"})
"a string"
'it''s'
aligned[5m]
aligned[5m:1m]
temp{svc="c"}[10m]
aligned[5m] offset 1m
rate(up)
sum(1)
up + "x"
1 and 2
1 > 2
up and bool up
up[5m] + 1
rate(up[5m][5m:])
unknown(up)
sum by svc (up)
up{svc="a" or svc="b"}
up{
up offset
up @ foo
up[0s]
up[5m:0s]
up offset 0s
topk("a", up)
label_replace(up, "a", "b", "c")
""".strip().splitlines()


def chosen_questions() -> list[Question]:
    """Each query over a range whose step does not divide it, and at one moment on the minute."""
    queries = [f"{name}({arg}[5m])" for name in _WINDOWED for arg in ("req_total", "temp", "aligned")]
    queries += [f"{name}(temp)" for name in _PER_VALUE]
    queries += [f"{name}(date)" for name in _CALENDAR]
    queries += _OTHERS
    begin, end = BEGIN_MS + 7 * MINUTE, BEGIN_MS + SPAN_S * 1000 + 6 * MINUTE
    at = BEGIN_MS + 26 * MINUTE
    asked = []
    for query in queries:
        asked += [Question(query, begin, end, 733_000), Question(query, at, at, 0)]
    return asked
