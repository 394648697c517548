"""logs.onset: when did containers begin to log errors, or work to change its pace? By the rate of events alone.

Asked first, beside metrics.onset: it needs no metric and no guess of the onset. Each container's error lines and
failed units are events; a rise of their rate is found by maximum likelihood, however early or late it lies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.errors import CulpritError
from tools.analysis.bursts import Burst, burst
from tools.analysis.onset import consensus
from tools.analysis.robust import Floats
from tools.evidence import Status
from tools.findings import Finding, Subject
from tools.log_lines import everything
from tools.onset import GROUP_MS, LEADS_MS, work_moves
from tools.question import Answer, NoArguments, Question
from tools.severity import ERROR_LINES
from tools.sources.logs import LineFilter, LogQuery
from tools.subjects import subject
from tools.windows import NS
from tools.wording import clock, number, sig
from tools.work import WorkCounts, bins, read_work
from tools.world import Scope, World

SURE = 20.0  # log-likelihood ratio from which a rise is beyond doubt
WORTH = 0.6  # of the heaviest change, for one that leads up to it: a few stray errors earlier are no onset
SURGED = 0.7
MORE = 1.4
MAX_FINDINGS = 20


@dataclass(frozen=True)
class Rise:
    """A container whose errors became more frequent."""

    about: Subject
    burst: Burst

    @property
    def weight(self) -> float:
        """How clear, 0..1; a rise that was over again counts half."""
        return min(1.0, self.burst.score / SURE) * (0.5 if self.burst.healed_ms is not None else 1.0)


async def ask(world: World, scope: Scope, arguments: NoArguments) -> Answer:
    """Counts error lines by container, and the units of every mapped service, in short bins over the whole window."""
    assert world.logs is not None
    first, last, step = bins(world, scope)
    label = world.inventory.labels.logs.container
    query = LogQuery(everything(world), first * NS, last * NS, (LineFilter("regex", ERROR_LINES),))
    counted, work = await asyncio.gather(world.logs.count(query, (label,), step), _work(world, scope))
    rises = [
        rise
        for s in counted.series
        if (rise := _rise(world, s.labels.get(label, ""), s.ms, s.counts, first, last, step))
    ]
    rises += [rise for counts in work for rise in _failing(world, counts, first, last)]
    findings = [_finding(r) for r in _clearest(rises)]
    surges = [at for counts in work if (at := _surge(counts, first, last)) is not None]
    onset = _onset(rises, [*((m.at_ms, m.weight) for m in work_moves(world, work)), *((at, SURGED) for at in surges)])
    if onset is not None:
        findings.insert(0, onset)
    queries = (f"count error lines by {label} [{step // 1000}s]",)
    if not counted.series and not work:
        return Answer("No container logged an error, and no work is mapped.", queries=queries, status=Status.NO_DATA)
    return Answer(_text(findings), tuple(findings[:MAX_FINDINGS]), queries=queries)


async def _work(world: World, scope: Scope) -> list[WorkCounts]:
    results = await asyncio.gather(
        *(read_work(world, scope, s) for s in world.inventory.services), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, CulpritError):
            raise result
    return [r for r in results if isinstance(r, WorkCounts)]


def _rise(
    world: World, container: str, ms: Sequence[int], counts: Sequence[float], first: int, last: int, step: int
) -> Rise | None:
    middles: Floats = np.asarray(ms, dtype=np.float64) - step / 2
    found = burst(np.repeat(middles, np.asarray(counts, dtype=np.int64)), first - step, last)
    return None if found is None else Rise(subject(world.inventory, container, resource="errors"), found)


def _failing(world: World, counts: WorkCounts, first: int, last: int) -> list[Rise]:
    """Failed units, where the inventory says how one looks: they need not say that they are errors."""
    found = [_rise(world, c, counts.ms.tolist(), counts.of(c, "failed").tolist(), first, last, counts.step_ms)
             for c in counts.containers()]
    return [r for r in found if r is not None]


def _surge(counts: WorkCounts, first: int, last: int) -> int | None:
    """When far more units began to be handed out: errors of a pool that is too small come only when waiting ends."""
    middles = np.repeat(counts.ms - counts.step_ms / 2, counts.total("started").astype(np.int64))
    found = burst(middles, first - counts.step_ms, last, clear=SURE)
    grew = found is not None and found.healed_ms is None and found.after >= MORE * found.before
    return int(found.at_ms) if found is not None and grew else None


def _clearest(rises: Sequence[Rise]) -> list[Rise]:
    """One a container, clearest first."""
    best: dict[str, Rise] = {}
    for rise in sorted(rises, key=lambda r: (-r.weight, r.burst.at_ms)):
        best.setdefault(rise.about.container, rise)
    return list(best.values())


def _finding(rise: Rise) -> Finding:
    b = rise.burst
    extra: dict[str, object] = {"score": sig(b.score, 3)}
    if b.healed_ms is not None:
        extra |= {"healed": True, "healed_ms": int(b.healed_ms)}
    return Finding("errors_logged_up", rise.about, rise.weight, sig(b.after * 60), sig(b.before * 60), "up",
                   int(b.at_ms), extra=extra)


def _onset(rises: Sequence[Rise], moves: Sequence[tuple[int, float]]) -> Finding | None:
    """The earliest group of changes that leads up to the heaviest one and carries a good part of its weight."""
    told = [(int(r.burst.at_ms), r.weight) for r in rises if r.burst.healed_ms is None] + list(moves)
    if not told or max(w for _, w in told) < 0.5:
        return None
    at, weight = np.array([t for t, _ in told], dtype=np.int64), np.array([w for _, w in told])
    main = consensus(at, weight, GROUP_MS)
    assert main is not None
    leads = (at >= main[0] - LEADS_MS) & (at <= main[0] + GROUP_MS) & (weight >= WORTH * weight.max())
    early = consensus(at[leads], weight[leads], LEADS_MS) if leads.any() else main
    onset = min(main[0], early[0]) if early is not None else main[0]
    agreeing = int((np.abs(at - onset) <= GROUP_MS).sum())
    return Finding("incident_onset", Subject(), min(0.8, 0.4 + 0.1 * agreeing), float(agreeing), since_ms=onset,
                   extra={"share_of_moves": sig(main[1], 3), "from": "logs"})


def _text(findings: Sequence[Finding]) -> str:
    if not findings:
        return "No container logs errors more often than before."
    said = [
        f"{f.subject.container} logs {number(f.value or 0)} errors/min, {number(f.baseline or 0)} before "
        f"{clock(f.since_ms or 0)}" + (", healed" if f.extra.get("healed") else "")
        for f in findings
        if f.kind == "errors_logged_up"
    ][:6]
    began = [f"It began at {clock(f.since_ms or 0)}." for f in findings if f.kind == "incident_onset"]
    return " ".join([*began, *(["; ".join(said) + "."] if said else [])])


QUESTION = Question(
    name="logs.onset",
    asks="When did containers begin to log errors more often, or units of work to fail or change their pace?",
    needs=("logs",),
    finds=("incident_onset", "errors_logged_up"),
    cost_s=1.5,
    arguments=NoArguments,
    ask=ask,
)
