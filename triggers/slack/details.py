"""The details in the thread below a card: actions in full, evidence, what was not seen, other hypotheses, cost."""

from __future__ import annotations

from collections.abc import Sequence

from agent.action import Action
from agent.codes import HypothesisStatus
from agent.conversation import PastIncident
from agent.diagnosis import Diagnosis, Hypothesis, Moment
from agent.prose import clock
from tools.evidence import parse_iso
from triggers.links import EvidenceLinks
from triggers.slack.blocks import MAX_FALLBACK, Block, context, divider, section, sections, within_limits
from triggers.slack.card import cited, claim, headline
from triggers.slack.phrases import say
from triggers.slack.story import Story
from triggers.slack.text import code, cut, escape, fenced, link, moment

MOST_ACTIONS, MOST_CLAIMS, MOST_EVIDENCE, MOST_GAPS, MOST_OTHERS, MOST_MOMENTS = 3, 8, 14, 8, 4, 10


def details(
    story: Story, found: Diagnosis, lang: str, *, links: EvidenceLinks | None = None, resolved_before: bool = False
) -> tuple[str, list[Block]]:
    """Fallback text and blocks. The most useful stands first; what does not fit is left out before the cost."""
    links = links or EvidenceLinks()
    said = headline(story, lang)
    blocks = [section(say("note.reported", lang, headline=said))]
    if resolved_before:
        blocks.append(context(say("note.resolved_before", lang)))
    blocks += sections(f"• {claim(c, found, links, limit=400)}" for c in found.claims[:MOST_CLAIMS])
    for action in found.actions[:MOST_ACTIONS]:
        blocks += _action(action, lang)
    blocks += _listed("evidence", _evidence(found, lang, links), lang)
    blocks += _listed("gaps", [f"• {code(g.what, 80)}: {escape(g.why, 250)} {escape(g.cost, 200)}".rstrip()
                               for g in found.gaps], lang, most=MOST_GAPS)
    others = [h for h in found.hypotheses if h.status is not HypothesisStatus.ROOT]
    blocks += _listed("others", [_other(h, found, lang, links) for h in others], lang, most=MOST_OTHERS)
    blocks += _listed("timeline", [_moment(m, found, links) for m in found.timeline], lang, most=MOST_MOMENTS)
    blocks += _listed("similar", [_past(p, lang, links) for p in story.past], lang)
    cost = context(_cost(found, lang))
    fallback = cut(say("note.reported", lang, headline=said), MAX_FALLBACK)
    return fallback, within_limits([*blocks, divider(), cost], keep_last=1)


def _listed(title: str, lines: Sequence[str], lang: str, *, most: int = 100) -> list[Block]:
    if not lines:
        return []
    more = [say("more", lang, count=len(lines) - most)] if len(lines) > most else []
    return sections([say(title, lang), *lines[:most], *more])


def _action(action: Action, lang: str) -> list[Block]:
    """Steps in order, then how to see that it worked and how to undo it. Commands are text to copy."""
    lines = []
    for number, step in enumerate(action.steps, 1):
        lines.append(f"{number}. {escape(step.why, 500)}")
        if step.command:
            lines.append(fenced(step.command, 900))
    if action.risk:
        lines.append(say("action.risk", lang, risk=escape(action.risk, 300)))
    for name, value in (("verify", action.verify), ("undo", action.undo)):
        if value:
            lines.append(f"{say(f'action.{name}', lang)}: {code(value, 500)}")
    if not lines:
        return []
    return [*sections([say("actions", lang), *lines]),
            *([context(say("action.approval", lang))] if action.needs_approval else [])]


def _evidence(found: Diagnosis, lang: str, links: EvidenceLinks) -> list[str]:
    """What is cited stands first, in the order of the claims."""
    order = list(dict.fromkeys(i for c in found.claims for i in c.evidence))
    ranked = sorted(found.evidence, key=lambda e: order.index(e["id"]) if e["id"] in order else len(order))
    lines = []
    for e in ranked[:MOST_EVIDENCE]:
        window = " – ".join(clock(parse_iso(str(t))) for t in e["window"])
        name = link(links.of(e), e["id"])
        status = "" if e["status"] == "ok" else f" _{escape(str(e['status']))}_"
        lines.append(f"• *{name}* {code(str(e['question']), 60)}{status} {escape(str(e['text']), 220)} ({window} UTC)")
    left = len(found.evidence) - len(lines)
    return [*lines, *([say("evidence.more", lang, count=left, incident=escape(found.incident))] if left > 0 else [])]


def _other(h: Hypothesis, found: Diagnosis, lang: str, links: EvidenceLinks) -> str:
    refuted = f" · {say('refuted', lang, evidence=cited(h.refutes[:3], found, links))}" if h.refutes else ""
    status = say(f"status.{h.status.value}", lang)
    kind = say(f"category.{h.category.value}", lang)
    return f"• {status} {h.confidence:.2f}: {escape(h.mechanism, 250)} ({kind}){refuted}"


def _moment(m: Moment, found: Diagnosis, links: EvidenceLinks) -> str:
    at = parse_iso(m.at)
    return f"• {moment(at, clock(at) + ' UTC')} {escape(m.text, 250)} {cited(m.evidence[:2], found, links)}"


def _past(p: PastIncident, lang: str, links: EvidenceLinks) -> str:
    verdict = {"verdict": say(f"judgement.{p.outcome}", lang)} if p.outcome in ("right", "partly", "wrong") else {}
    page = links.incident(p.id)
    when = moment(p.at_ms, f"{clock(p.at_ms)} UTC")
    return "• " + say("similar.line", lang, incident=link(page, p.id) if page else code(p.id), when=when,
                      title=escape(p.title, 200), **verdict)


def _cost(found: Diagnosis, lang: str) -> str:
    u = found.usage
    money = say("cost.unknown", lang) if u.cost_usd is None else f"${u.cost_usd:.4f}"
    tokens = {"tokens": f"{u.input_tokens} + {u.output_tokens}"} if u.input_tokens else {}
    return say("cost", lang, model=escape(u.model, 80), questions=len(found.evidence), seconds=f"{u.seconds:.1f}",
               money=money, **tokens)

