"""A diagnosis for a person: conclusion first, then why, what to do, what was not seen. Rich renderables, no I/O."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.action import Action
from agent.codes import HypothesisStatus, Verdict
from agent.diagnosis import Claim, Diagnosis, Gap, Hypothesis, Precedent
from agent.odds import Candidate
from agent.prose import clock, sentence
from tools.evidence import Chart, parse_iso
from triggers.charts import chart_line

COLOUR = {Verdict.DIAGNOSED: "red", Verdict.NO_FAULT: "green", Verdict.UNDETERMINED: "yellow"}


def report(diagnosis: Diagnosis, *, charts: Sequence[Chart] = (), lang: str = "en") -> RenderableType:
    """The whole report: headline, claims, charts, actions, other hypotheses, timeline, gaps, cost."""
    parts: list[RenderableType] = [_headline(diagnosis, lang), *_claims(diagnosis.claims)]
    parts += [Padding(chart_line(c), (1, 0, 0, 2)) for c in charts]
    parts += _section("actions", [_action(n, a, lang) for n, a in enumerate(diagnosis.actions, 1)], lang)
    others = [h for h in diagnosis.hypotheses if h.status is not HypothesisStatus.ROOT]
    parts += _section("others", [_other(h, lang) for h in others], lang)
    parts += _section("timeline", [_moment(m.at, m.text, m.evidence) for m in diagnosis.timeline], lang)
    parts += _section("seen_before", [_precedent(p) for p in diagnosis.seen_before], lang)
    parts += _section("runbooks", [Text(f"  {r}") for r in diagnosis.runbooks], lang)
    parts += _section("gaps", [_gap(g) for g in diagnosis.gaps], lang)
    parts += _section("evidence", [_evidence_table(diagnosis)], lang)
    parts.append(_cost(diagnosis))
    return Panel(Group(*parts), title=f"culprit · {diagnosis.incident}", border_style=COLOUR[diagnosis.verdict])


def _precedent(p: Precedent) -> Text:
    alike = "" if p.similarity is None else f" · {p.similarity:.0%}"
    return Text(f"  {p.incident}{f' · {p.category}' if p.category else ''}{alike}{f' · {p.card}' if p.card else ''}")


def headline(diagnosis: Diagnosis, lang: str) -> str:
    """The first sentence: what broke, or that nothing did, or that it cannot be said."""
    root = next((h for h in diagnosis.hypotheses if h.status is HypothesisStatus.ROOT), None)
    title = root.mechanism if root else (diagnosis.claims[0].text if diagnosis.claims else "")
    return sentence(f"verdict.{diagnosis.verdict.value}", {"title": title}, lang)


def _headline(diagnosis: Diagnosis, lang: str) -> Text:
    text = Text(headline(diagnosis, lang), style=f"bold {COLOUR[diagnosis.verdict]}")
    root = next((h for h in diagnosis.hypotheses if h.status is HypothesisStatus.ROOT), None)
    if root is not None:
        said = f"\n{sentence('confidence', {}, lang)} {root.confidence:.2f} · {root.category.value}"
        text.append(f"{said} · {root.component.name}{f' [{root.component.colour}]' if root.component.colour else ''}",
                    style="not bold")
        text.append(f" · {', '.join(root.supports)}", style="dim not bold")
    if diagnosis.onset:
        since = sentence("since", {"since": clock(parse_iso(diagnosis.onset)) + " UTC"}, lang)
        text.append("\n" + since, style="not bold")
    return text


def _claims(claims: Iterable[Claim]) -> list[RenderableType]:
    out: list[RenderableType] = []
    for claim in claims:
        line = Text("  • ")
        line.append(claim.text)
        line.append(f"  [{', '.join(claim.evidence)}]", style="dim")
        out.append(line)
    return out


def _section(name: str, rows: Sequence[RenderableType], lang: str) -> list[RenderableType]:
    if not rows:
        return []
    return [Text(f"\n{sentence(name, {}, lang)}", style="bold"), *rows]


def _action(number: int, action: Action, lang: str) -> Text:
    text = Text(f"  {number}. {action.kind.value}", style="bold")
    text.append(f" {', '.join(action.targets)}\n", style="not bold")
    if not action.steps:
        text.append(f"     {sentence('nothing_to_do', {}, lang)}", style="not bold")
    for letter, step in zip("abcdefghij", action.steps, strict=False):
        text.append(f"     {letter}) {step.why}\n", style="not bold")
        if step.command:
            text.append(f"        $ {step.command}\n", style="not bold green")
    for name in ("risk", "verify", "undo"):
        value = getattr(action, name)
        if value:
            text.append(f"     {sentence(name, {}, lang)}: ", style="not bold dim")
            text.append(f"{value}\n", style="not bold")
    text.rstrip()
    return text


def _other(h: Hypothesis, lang: str) -> Text:
    text = Text(f"  {h.status.value} {h.confidence:.2f}  ", style="dim")
    text.append(h.mechanism, style="not dim")
    against = f" · refuted by {', '.join(h.refutes)}" if h.refutes else ""
    text.append(f"  {h.category.value}{against}")
    return text


def _moment(at: str, said: str, evidence: Sequence[str]) -> Text:
    text = Text(f"  {clock(parse_iso(at))} ", style="cyan")
    text.append(said, style="default")
    text.append(f"  [{', '.join(evidence)}]", style="dim")
    return text


def _gap(gap: Gap) -> Text:
    return Text(f"  · {gap.what}: {gap.why}{f' ({gap.cost})' if gap.cost else ''}")


def _evidence_table(diagnosis: Diagnosis) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    for e in diagnosis.evidence:
        said = Text(e["text"][:300])
        table.add_row(Text(f" {e['id']}", style="bold"), e["question"], Text(e["status"], style="dim"), said)
    return table


def _cost(diagnosis: Diagnosis) -> Text:
    u = diagnosis.usage
    money = "cost unknown" if u.cost_usd is None else f"${u.cost_usd:.4f}"
    tokens = "" if u.input_tokens is None else f" · {u.input_tokens} + {u.output_tokens} tokens"
    return Text(f"\n{u.model} · {len(diagnosis.evidence)} questions · {u.seconds:.1f} s{tokens} · {money}", style="dim")


def ledger_of_odds(candidates: Iterable[Candidate], *, most: int = 8) -> Table:
    """Why the analyst ranks as it does: every term of every hypothesis, adding up to its log-odds."""
    table = Table(title="ledger of odds", title_justify="left", box=None, padding=(0, 1))
    for name in ("hypothesis", "term", "change", "evidence", "note"):
        table.add_column(name, justify="right" if name == "change" else "left")
    for c in list(candidates)[:most]:
        who = c.culprit.container or c.culprit.service or c.culprit.host or ("no subject yet" if c.open else "")
        cap = "; ".join((*(f"needs {m}" for m in c.missing), *(f"untold from {u}" for u in c.untold)))
        note = f"confidence {c.confidence:.2f} {cap}"
        table.add_row(Text(c.card.id, style="bold"), who, f"{c.log_odds:+.2f}", "", note)
        for t in c.terms:
            table.add_row("", f"{t.finding} {t.of}".strip(), f"{t.change:+.2f}", t.evidence_id, t.note)
    return table


def telling_charts(charts: Iterable[tuple[str, Chart]], diagnosis: Diagnosis, *, most: int = 3) -> tuple[Chart, ...]:
    """Charts of evidence the claims cite, in the order of the claims. `charts` pairs evidence ids with charts."""
    cited = [i for c in diagnosis.claims for i in c.evidence]
    ranked = sorted((cited.index(i), n, c) for n, (i, c) in enumerate(charts) if i in cited)
    return tuple(c for _, _, c in ranked[:most])


def export_svg(diagnosis: Diagnosis, charts: Sequence[Chart], lang: str, *, width: int = 120) -> str:
    """The report as an SVG picture."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(report(diagnosis, charts=charts, lang=lang))
    return console.export_svg(title="culprit")
