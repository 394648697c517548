"""The card of an incident: what a channel sees. Header, five lines that are enough to act on, small print, buttons."""

from __future__ import annotations

from collections.abc import Sequence

from agent.action import Action
from agent.codes import ActionKind, HypothesisStatus, Verdict
from agent.diagnosis import Claim, Diagnosis, Hypothesis
from agent.prose import clock
from tools.evidence import parse_iso
from triggers.links import EvidenceLinks
from triggers.slack.blocks import MAX_FALLBACK, Block, actions, button, context, header, section, within_limits
from triggers.slack.phrases import say
from triggers.slack.story import Mark, Story
from triggers.slack.text import code, cut, escape, link, moment, plain

ICONS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
RESOLVED = "✅"
LINE = 480  # characters of one of the five lines, before escaping
VERDICTS = ("right", "partly", "wrong")


def card(story: Story, lang: str, *, links: EvidenceLinks | None = None, progress: str = "") -> tuple[str, list[Block]]:
    """Fallback text and blocks. `progress` is a safe line about the questions answered so far."""
    links = links or EvidenceLinks()
    state = _state(story, lang)
    severity = say(f"severity.{story.incident['severity']}", lang)
    title = plain(str(story.incident["title"]), 110)
    icon = RESOLVED if story.incident["resolved_ms"] else ICONS[str(story.incident["severity"])]
    blocks = [header(f"{icon} {severity} · {state} · {title}")]
    if story.diagnosis is not None:
        blocks.append(section("\n".join(five_lines(story, story.diagnosis, lang, links))))
    else:
        blocks.append(section(_before_report(story, lang)))
    blocks.append(context(*_small_print(story, lang, links), progress))
    buttons = _buttons(story, lang)
    fallback = cut(f"{icon} {severity} · {state} · {escape(title)}: {headline(story, lang)}", MAX_FALLBACK)
    return fallback, within_limits([*blocks, *buttons], keep_last=len(buttons))


def headline(story: Story, lang: str) -> str:
    """The conclusion in one safe line."""
    found = story.diagnosis
    if found is None:
        return say("looking", lang, title=escape(str(story.incident["title"]), 200))
    return _what(found, lang)


def _state(story: Story, lang: str) -> str:
    incident = story.incident
    if incident["resolved_ms"] and story.diagnosis is not None:
        return say("state.resolved", lang)
    if incident["state"] == "done" and story.diagnosis is not None:
        return say(f"state.{story.diagnosis.verdict.value}", lang)
    return say(f"state.{incident['state'] if incident['state'] != 'done' else 'running'}", lang)


def _before_report(story: Story, lang: str) -> str:
    incident = story.incident
    if incident["state"] == "dead":
        why = escape(str(incident["error"] or "?"), 300)
        return say("failed", lang, why=why, incident=escape(story.id))
    if incident["state"] == "cancelled":
        return say("cancelled", lang)
    since = moment(int(incident["onset_ms"]), f"{clock(int(incident['onset_ms']))} UTC")
    several = {"signals": story.signal_count} if story.signal_count > 1 else {}
    return "\n".join((say("looking", lang, title=code(str(incident["title"]), 200)),
                      say("looking_since", lang, since=since, **several)))


def five_lines(story: Story, found: Diagnosis, lang: str, links: EvidenceLinks) -> list[str]:
    """What broke, since when, why, what to do now, what could not be seen."""
    return [
        say("line.what", lang, text=_what(found, lang)), _since(story, found, lang),
        say("line.why", lang, text=_why(found, lang, links)), say("line.do", lang, text=_do(found.actions, lang)),
        say("line.unseen", lang, text=_unseen(found, lang)),
    ]


def root_of(found: Diagnosis) -> Hypothesis | None:
    """The leading cause, if there is one."""
    return next((h for h in found.hypotheses if h.status is HypothesisStatus.ROOT), None)


def _what(found: Diagnosis, lang: str) -> str:
    roots = [h for h in found.hypotheses if h.status is HypothesisStatus.ROOT]
    if roots:
        said = " + ".join(escape(h.mechanism, LINE // len(roots[:2])) for h in roots[:2])
        return f"*{said}* ({say('confidence', lang, confidence=f'{roots[0].confidence:.2f}')})"
    if found.verdict is Verdict.NO_FAULT and found.claims:
        return f"*{escape(found.claims[0].text, LINE)}*"
    leads = ", ".join(escape(h.mechanism, 120) for h in found.hypotheses[:2])
    unknown = say("undetermined", lang)
    return f"{unknown} {say('leads', lang, leads=leads)}" if leads else unknown


def _since(story: Story, found: Diagnosis, lang: str) -> str:
    if found.onset:
        at = parse_iso(found.onset)
        return say("line.since", lang, when=f"{moment(at, clock(at) + ' UTC')} ({clock(at)} UTC)")
    at = int(story.incident["onset_ms"])
    key = "line.since" if found.verdict is Verdict.NO_FAULT else "line.since_unknown"
    return say(key, lang, when=moment(at, f"{clock(at)} UTC"))


def _why(found: Diagnosis, lang: str, links: EvidenceLinks) -> str:
    """What the cause does, and the fact that shows it most clearly; each with its evidence."""
    first = 1 if found.verdict is Verdict.NO_FAULT and len(found.claims) > 1 else 0  # the first one is the headline
    told = found.claims[first:]
    return " ".join(claim(c, found, links, limit=LINE // 2) for c in told[:2]) or say("undetermined", lang)


def claim(said: Claim, found: Diagnosis, links: EvidenceLinks, *, limit: int, most: int = 3) -> str:
    """One claim and the ids it cites, each a link where there is one."""
    return f"{escape(said.text, limit)} {cited(said.evidence[:most], found, links)}"


def cited(ids: Sequence[str], found: Diagnosis, links: EvidenceLinks) -> str:
    """[E1, E2], linked."""
    by_id = {e["id"]: e for e in found.evidence}
    said = [link(links.of(by_id[i]), i) if i in by_id and links.of(by_id[i]) else escape(i) for i in ids]
    return f"[{', '.join(said)}]" if said else ""


def _do(chosen: Sequence[Action], lang: str) -> str:
    first = chosen[0] if chosen else None
    if first is None or first.kind is ActionKind.NONE:
        return say("do.nothing", lang)
    if first.kind is ActionKind.COLLECT_MORE:
        return say("do.collect", lang)
    name = say(f"kind.{first.kind.value}", lang)
    targets = ", ".join(code(t, 80) for t in first.targets[:3])
    what = f"*{name}* {targets}:" if targets else f"*{name}*:"
    return f"{what} {_how(first, lang)}"


def _how(first: Action, lang: str) -> str:
    """The commands in order and the undo; for what Culprit has no safe command for, how to look and where to do it."""
    commands = [s for s in first.steps if s.command]
    if not commands:
        return say("do.manual", lang, why=escape(first.steps[0].why if first.steps else first.risk, LINE))
    shown = " → ".join(code(s.command, 160) for s in commands[:3])
    undo = {"undo": code(first.undo, 120)} if first.undo else {}
    why = commands[-1].why if first.undo or first.verify.startswith("docker") else f"{first.risk} {commands[-1].why}"
    return say("do.action", lang, why=escape(why, LINE // 2), command=shown, **undo)


def _unseen(found: Diagnosis, lang: str) -> str:
    if not found.gaps:
        return say("unseen.none", lang)
    gap = found.gaps[0]
    first = f"{code(gap.what, 80)}: {escape(gap.why, LINE // 2)}"
    more = {"more": len(found.gaps) - 1} if len(found.gaps) > 1 else {}
    return say("unseen.some", lang, first=first, **more)


def _small_print(story: Story, lang: str, links: EvidenceLinks) -> list[str]:
    incident = story.incident
    root = root_of(story.diagnosis) if story.diagnosis else None
    known: dict[str, object] = {"folded": story.folded} if story.folded else {}
    if root is not None:
        where = f"{root.component.name} {root.component.colour}".strip()
        known |= {"component": code(where, 100), "category": say(f"category.{root.category.value}", lang)}
    page = links.incident(story.id)
    name = link(page, story.id) if page else escape(story.id)
    said = [say("card.context", lang, incident=name, signals=story.signal_count, **known)]
    if incident["resolved_ms"]:
        said.append(say("card.resolved", lang, when=_when(int(incident["resolved_ms"]))))
    if story.diagnosis is not None and incident["state"] in ("queued", "running"):
        said.append(say("card.again", lang))
    elif story.newer:
        said.append(say("card.newer", lang, count=story.newer))
    if incident["linked_to"]:
        said.append(say("card.linked", lang, incident=escape(str(incident["linked_to"]))))
    if story.acknowledged is not None:
        said.append(say("card.acknowledged", lang, who=person(story.acknowledged.author),
                        when=_when(story.acknowledged.at_ms)))
    if story.snoozed is not None:
        said.append(_quiet(story.snoozed, lang))
    return said


def _quiet(mark: Mark, lang: str) -> str:
    return say("card.snoozed", lang, until=_when(mark.until_ms), who=person(mark.author))


def person(author: str) -> str:
    """A mention for a Slack user id; other names as they are. A mention in an edited message notifies nobody."""
    return f"<@{author}>" if author[:1] in "UW" and author.isalnum() and author.isupper() else escape(author, 80)


def _when(ms: int) -> str:
    return moment(ms, f"{clock(ms)} UTC")


def _buttons(story: Story, lang: str) -> list[Block]:
    """Feedback once there is something to judge; nothing on what was folded away."""
    if story.incident["state"] == "merged":
        return []
    rows = []
    if story.diagnosis is not None:
        judged = f"{story.id} {story.diagnosis.run}"
        styles = {"right": "primary", "wrong": "danger"}
        rows.append(actions("feedback", *(button(say(f"button.{v}", lang), f"feedback_{v}", judged,
                                                 style=styles.get(v, "")) for v in VERDICTS)))
    rows.append(actions("operate", *(button(say(f"button.{name}", lang), f"operate_{name}", story.id)
                                     for name in ("acknowledge", "snooze", "again"))
                        , *([button(say("button.export", lang), "operate_export", story.id)]
                            if story.diagnosis is not None else [])))
    return rows
