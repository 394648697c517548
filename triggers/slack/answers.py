"""An answer of the conversation as Slack shows it: claims with their evidence and its time, gaps, choices, commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.conversation import Answer
from agent.prose import clock
from tools.evidence import parse_iso
from triggers.links import EvidenceLinks
from triggers.slack.blocks import MAX_FALLBACK, Block, actions, button, context, sections, within_limits
from triggers.slack.phrases import say
from triggers.slack.text import code, cut, escape, fenced, link

MOST_CHOICES = 8
MOST_CLAIMS = 20
MOST_GAPS = 5


def answer_blocks(
    answer: Answer, extra: Sequence[str] = (), *, links: EvidenceLinks | None = None
) -> tuple[str, list[Block]]:
    """Fallback text and blocks. `extra`: safe lines of the door's own."""
    links = links or EvidenceLinks()
    by_id = {str(e["id"]): e for e in answer.evidence}
    lines = [escape(s, 1_500) for s in answer.say if s]
    lines += [_claim(c.text, c.evidence, by_id, links) for c in answer.claims[:MOST_CLAIMS]]
    lines += list(extra)
    blocks = sections(lines or [say("answer.empty", answer.lang)])
    if answer.copy:
        blocks += sections([say("answer.copy", answer.lang), *(fenced(c, 900) for c in answer.copy)])
    if answer.gaps:
        blocks.append(context(*(say("answer.gap", answer.lang, what=code(g.what, 80), why=escape(g.why, 250))
                                for g in answer.gaps[:MOST_GAPS])))
    if answer.choices:
        blocks += sections([say("answer.choose", answer.lang)])
        blocks.append(actions("choices", *(button(choice, f"choose_{n}", choice[:500])
                                           for n, choice in enumerate(answer.choices[:MOST_CHOICES]))))
    cited = [i for c in answer.claims for i in c.evidence if i in by_id]
    told = [_source(by_id[i], links) for i in dict.fromkeys(cited)]
    if told:
        blocks.append(context(" · ".join(told[:6])))
    return cut(" ".join(lines), MAX_FALLBACK) or "–", within_limits(blocks)


def answer_text(answer: Answer) -> str:
    """What was said, for the thread's memory."""
    return " ".join((*answer.say, *(c.text for c in answer.claims), *answer.choices))


def _claim(text: str, ids: Sequence[str], by_id: Mapping[str, Mapping[str, Any]], links: EvidenceLinks) -> str:
    cited = ", ".join(link(links.of(by_id[i]), i) if i in by_id and links.of(by_id[i]) else escape(i) for i in ids[:4])
    return f"• {escape(text, 600)}" + (f" [{cited}]" if cited else "")


def _source(evidence: Mapping[str, Any], links: EvidenceLinks) -> str:
    """E1 logs.activity, as of 02:10:00 UTC."""
    url = links.of(evidence)
    name = link(url, str(evidence["id"])) if url else escape(str(evidence["id"]))
    return f"{name} {escape(str(evidence['question']))} {clock(parse_iso(str(evidence['as_of'])))} UTC"
