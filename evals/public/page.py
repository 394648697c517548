"""docs/public-sets.md, written from the rows."""

from __future__ import annotations

from collections.abc import Sequence

from evals.public.measure import OURS, Row, table

HEAD = """# Public incident sets

<!-- Written by `culprit eval public DIR… --out docs/public-sets.md`; do not edit. -->

Nothing here is tuned per set: one ranking, the one behind the analyst's `suspect` findings (`metrics.movers`), and one
relevance of changes. Rankings read `public.json`, the telemetry and the call graph; `case.json` is read afterwards by
the scorer alone. The weights were chosen by looking at these very development sets, so the figures are optimistic;
expect less on unseen ones. n-sigma and random are ours, on the same samples; random is the expectation. BARO is the
published package (`fse-baro`), run in its own environment; without `--baro-python` it is left out:

    python -m venv /tmp/baro && /tmp/baro/bin/pip install fse-baro
    culprit eval public DIR… --baro-python /tmp/baro/bin/python

| set | n | method | AC@1 | 95 % | AC@3 |
|---|---|---|---|---|---|
"""
MISSED = """
## What is missed

- A delay on the network shows at the callers alone. Where several callees of the waiting caller look alike (same
  callers, nothing of their own), or where the recorded call graph lacks the edge, they cannot be told apart.
- Errors and early returns in code leave metrics almost as they were; what falls is the work of those no longer called.
- Commits: words in common do not tell a change that could cause the trouble from one that merely touches the same
  code; an innocent deploy at the onset wins over a culprit that took hours to show. "None" is found where the failing
  lines name an outside host, not where bad data or an expired certificate is the cause.

| set | kind | n | right first | in three |
|---|---|---|---|---|
"""


def page(rows: Sequence[Row]) -> str:
    """The whole page as Markdown."""
    lines = [
        f"| {r['set']} | {r['n']} | {r['method']} | {r['ac1']:.3f} | {r['ac1_interval'][0]:.2f} - "
        f"{r['ac1_interval'][1]:.2f} | {r['ac3']:.3f} |"
        for r in table(rows)
    ]
    kinds = []
    for name, kind in dict.fromkeys((r.set, r.kind) for r in rows):
        places = [r.places[OURS] for r in rows if (r.set, r.kind) == (name, kind)]
        first, third = (sum(p is not None and p < k for p in places) for k in (1, 3))
        kinds.append(f"| {name} | {kind} | {len(places)} | {first} | {third} |")
    return HEAD + "\n".join(lines) + "\n" + MISSED + "\n".join(kinds) + "\n"
