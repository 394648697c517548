"""docs/public-sets.md, written from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields

from evals.public.held_out import SHIPPED, Choice, HeldOut
from evals.public.measure import OURS, Row, table
from evals.public.perturb import Perturbed

HEAD = """# Public incident sets

<!-- Written by `culprit eval public DIR… --thorough --out docs/public-sets.md`; do not edit. -->

Nothing here is tuned per set: one ranking, the one behind the analyst's `suspect` findings (`metrics.movers`), and one
relevance of changes. Rankings read `public.json`, the telemetry and the call graph; `case.json` is read afterwards by
the scorer alone. The weights, and the rules themselves, were chosen by looking at these very development sets, so the
figures are optimistic; expect less on unseen ones (below: weights chosen on the other sets, and worse telemetry).
n-sigma and random are ours, on the same samples; random is the expectation. BARO is the published package (`fse-baro`),
run in its own environment; without `--baro-python` it is left out:

    python -m venv /tmp/baro && /tmp/baro/bin/pip install fse-baro
    culprit eval public DIR… --thorough --baro-python /tmp/baro/bin/python

| set | n | method | AC@1 | 95 % | AC@3 |
|---|---|---|---|---|---|
"""
MISSED = """
## What is missed

- A delay on the network shows at the callers alone. Callees of the waiting caller that look alike (same callers,
  nothing of their own) share a place, and which of them comes first is chance: where names decide, other names (the row
  "components renamed" at the end) win or lose a few cases; where a caller also calls others far
  more often, its percentiles hardly move. Where the recorded call graph lacks the edge, the callee is not found at all.
- Errors and early returns in code leave metrics almost as they were; what falls is the work of those no longer called.
- A component without any series is ranked only by what its callers see of it.
- A proxy, or a client-side view of a callee, that the call graph does not connect with what is behind it is blamed in
  its own right, next to the one to blame.
- Without a call graph nothing tells for whom a caller waits: there n-sigma finds as many among three, or more.
- Commits: words in common do not tell a change that could cause the trouble from one that merely touches the same
  code; an innocent deploy at the onset wins over a culprit that took hours to show. "None" is found where the failing
  lines name an outside host, not where bad data or an expired certificate is the cause.

| set | kind | n | right first | in three |
|---|---|---|---|---|
"""
HELD_OUT = """
## Weights chosen on the other sets

All combinations of two or three values of each weight were tried (shipped:
{values}).
For each set scored by component, the combination that is best on the *other* sets is reported on this one, beside the
shipped weights and the range over all {tried} combinations. Sets scored by commit share no weight with them; there is
one, so its relevance has no such check.

| set | n | shipped | chosen elsewhere | AC@1 over all | AC@3 over all | what was chosen |
|---|---|---|---|---|---|---|
"""
TOLD_WORSE = """
## The same incidents told worse

AC@1 / AC@3 of ours, and of n-sigma on the same telling.

| set | told | culprit | n-sigma |
|---|---|---|---|
"""


def page(rows: Sequence[Row], held_out: Sequence[HeldOut] = (), perturbed: Sequence[Perturbed] = ()) -> str:
    """The whole page as Markdown; the last two sections where they were measured."""
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
    text = HEAD + "\n".join(lines) + "\n" + MISSED + "\n".join(kinds) + "\n"
    return text + (_held_out(held_out) if held_out else "") + (_perturbed(perturbed) if perturbed else "")


def _held_out(rows: Sequence[HeldOut]) -> str:
    lines = [
        f"| {r.set} | {r.n} | {_pair(r.shipped)} | {_pair(r.chosen)} | {r.lowest[0]:.3f} - {r.highest[0]:.3f} | "
        f"{r.lowest[1]:.3f} - {r.highest[1]:.3f} | {_told(r.choice)} |"
        for r in rows
    ]
    return HELD_OUT.format(values=_told(SHIPPED), tried=rows[0].tried) + "\n".join(lines) + "\n"


def _perturbed(rows: Sequence[Perturbed]) -> str:
    lines = [f"| {r.set} | {r.told} | {_pair(r.ours)} | {_pair(r.n_sigma)} |" for r in rows]
    return TOLD_WORSE + "\n".join(lines) + "\n"


def _pair(accuracies: tuple[float, float]) -> str:
    return f"{accuracies[0]:.3f} / {accuracies[1]:.3f}"


def _told(choice: Choice) -> str:
    names = [f.name for part in choice for f in fields(part)]
    return ", ".join(f"{n} {v:g}" for n, v in zip(names, [v for part in choice for v in astuple(part)], strict=True))
