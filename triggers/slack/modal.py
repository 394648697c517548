"""The feedback modal: what broke and why, what helped, a note. Pickers are fed from the inventory and the codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.codes import ActionKind, Category, Verdict
from agent.diagnosis import Diagnosis
from agent.ledger import Feedback, Judgement
from tools.sources.inventory import Inventory
from triggers.slack.blocks import MAX_OPTIONS, Block, asked, option, select, words
from triggers.slack.phrases import say
from triggers.slack.text import clean

CALLBACK = "feedback"
COMPONENT = "component"
NO_FAULT = Verdict.NO_FAULT.value  # chosen as a kind of cause: nothing was wrong, which quietens a watch that told
MAX_NOTE = 3_000
JUDGEMENTS: tuple[Judgement, ...] = ("right", "partly", "wrong", "unknown")


@dataclass(frozen=True)
class Judging:
    """What a modal is about; travels with it."""

    incident: str
    verdict: Judgement
    channel: str
    thread: str
    lang: str

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_text(text: str) -> Judging:
        """Raises ValueError, KeyError or TypeError for anything else."""
        return Judging(**json.loads(text))


@dataclass(frozen=True)
class Components:
    """Names to choose from: the inventory's, and what this incident's diagnosis observed."""

    names: tuple[str, ...] = ()
    first: tuple[str, ...] = field(default=())

    @staticmethod
    def of(inventory: Inventory, found: Diagnosis | None) -> Components:
        """The diagnosis' own first; each name once."""
        seen = [h.component.name for h in found.hypotheses] if found else []
        seen += [f.get("subject", {}).get("container", "") for e in (found.evidence if found else ())
                 for f in e.get("findings", ())]
        listed = [n for s in inventory.services for n in (s.name, *s.members())]
        listed += [h.name for h in inventory.hosts] + [c.name for c in inventory.clusters]
        first = tuple(dict.fromkeys(clean(n) for n in seen if n))
        return Components(tuple(dict.fromkeys((*first, *map(clean, listed)))), first)

    def like(self, typed: str) -> list[str]:
        """At most 100 that contain what was typed, those that begin with it first."""
        wanted = clean(typed).casefold()
        found = [n for n in self.names if wanted in n.casefold()]
        return sorted(found, key=lambda n: not n.casefold().startswith(wanted))[:MAX_OPTIONS]


def modal(judging: Judging, components: Components, before: Mapping[str, Any] | None = None) -> Block:
    """`before`: what its author said last, to edit."""
    lang = judging.lang
    correction = (before or {}).get("correction") or {}
    categories = [option(say(f"category.{c}", lang), c) for c in (NO_FAULT, *(c.value for c in Category))]
    kinds = [option(say(f"kind.{k.value}", lang), k.value) for k in ActionKind]
    judgements = [option(say(f"judgement.{j}", lang), j) for j in JUDGEMENTS]
    note: Block = {"type": "plain_text_input", "action_id": "note", "multiline": True, "max_length": MAX_NOTE,
                   "placeholder": words(say("feedback.note.hint", lang), 150)}
    if (before or {}).get("comment"):
        note["initial_value"] = str((before or {})["comment"])[:MAX_NOTE]
    return {
        "type": "modal", "callback_id": CALLBACK, "private_metadata": judging.as_text(),
        "title": words(say("feedback.title", lang), 24), "submit": words(say("feedback.submit", lang), 24),
        "close": words(say("feedback.close", lang), 24),
        "blocks": [
            asked(COMPONENT, say("feedback.component", lang), _picker(components, correction, lang)),
            asked("category", say("feedback.category", lang),
                  select("category", categories,
                         chosen=str(correction.get("category") or correction.get("verdict") or ""))),
            asked("judged", say("feedback.action.judged", lang),
                  select("judged", judgements, chosen=str((before or {}).get("action", "")))),
            asked("action", say("feedback.action", lang),
                  select("action", kinds, chosen=str(correction.get("action", "")))),
            asked("note", say("feedback.note", lang), note),
        ],
    }


def _picker(components: Components, correction: Mapping[str, Any], lang: str) -> Block:
    """A menu while it fits; beyond 100 names, one that is filled while typing."""
    chosen = str(correction.get("component", ""))
    if 0 < len(components.names) <= MAX_OPTIONS:
        return select(COMPONENT, [option(n, n) for n in components.names], chosen=chosen)
    typed: Block = {"type": "external_select", "action_id": COMPONENT, "min_query_length": 0 if components.first else 1,
                    "placeholder": words(say("feedback.component.hint", lang), 150)}
    return {**typed, "initial_option": option(chosen, chosen)} if chosen else typed


def read_modal(
    view: Mapping[str, Any], judging: Judging, *, author: str, known: Sequence[str]
) -> tuple[Feedback | None, dict[str, str]]:
    """The feedback, or what is wrong by block id."""
    values = (view.get("state") or {}).get("values") or {}
    component, category = _chosen(values, COMPONENT), _chosen(values, "category")
    action, judged = _chosen(values, "action"), _chosen(values, "judged")
    comment = str((values.get("note") or {}).get("note", {}).get("value") or "")[:MAX_NOTE]
    if component and component not in known:
        return None, {COMPONENT: say("feedback.unknown_component", judging.lang)}
    if not any((component, category, action, judged, comment.strip())):
        return None, {"note": say("feedback.nothing", judging.lang)}
    kept = {"component": component, "action": action if action in set(ActionKind) else "",
            "category": category if category in set(Category) else "",
            "verdict": NO_FAULT if category == NO_FAULT else ""}
    return Feedback(
        incident_id=judging.incident, author=author, door="slack", cause=judging.verdict,
        action=next((j for j in JUDGEMENTS if j == judged), "unknown"),
        correction={k: v for k, v in kept.items() if v}, comment=comment), {}


def _chosen(values: Mapping[str, Any], name: str) -> str:
    return str(((values.get(name) or {}).get(name, {}).get("selected_option") or {}).get("value") or "")


def cause_text(given: Feedback, lang: str) -> str:
    """The correction in a few words; "" for none."""
    correction = given.correction or {}
    named = correction.get("category") or (NO_FAULT if correction.get("verdict") == NO_FAULT else "")
    category = say(f"category.{named}", lang) if named else ""
    return ", ".join(part for part in (str(correction.get("component", "")), category) if part)
