"""The draft of a post-mortem in Markdown: what happened when, what shows it, the cause, what was done, what is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from agent.codes import HypothesisStatus
from agent.diagnosis import Diagnosis
from agent.ledger import Ledger
from agent.prose import sentence
from config.redact import redact
from tools.evidence import parse_iso
from triggers.audit import Audit
from triggers.incidents import Incidents
from triggers.links import EvidenceLinks
from triggers.verdicts import Verdicts

MOST_SIGNALS = 40
WORDS = {
    "en": {"draft": "Draft: facts are filled in, judgements are yours.", "summary": "Summary", "impact": "Impact",
           "timeline": "Timeline (UTC)", "cause": "Cause", "evidence": "Evidence", "actions": "Actions",
           "open": "Open questions", "feedback": "What engineers said", "none": "None was recorded.",
           "undetermined": "The cause was not determined.", "no_diagnosis": "There is no diagnosis.",
           "signal": "signal", "resolved": "resolved", "still": "not resolved yet", "minutes": "minutes",
           "fill": "To be written: who was affected, and how badly.", "done": "Done?", "excluded": "Excluded",
           "verify": "verify", "undo": "undo", "by": "by", "lessons": "Lessons and follow-ups",
           "lessons_fill": "To be written.", "cell": "Action | Command | Verify | Undo | Done?"},
    "ko": {"draft": "초안입니다. 사실은 채워져 있고, 판단은 사람이 합니다.", "summary": "요약", "impact": "영향",
           "timeline": "시간 순서 (UTC)", "cause": "원인", "evidence": "근거", "actions": "조치",
           "open": "남은 질문", "feedback": "엔지니어 의견", "none": "기록된 것이 없습니다.",
           "undetermined": "원인을 확정하지 못했습니다.", "no_diagnosis": "진단이 없습니다.",
           "signal": "신호", "resolved": "해소", "still": "아직 해소되지 않음", "minutes": "분",
           "fill": "작성 필요: 누가 얼마나 영향을 받았는지.", "done": "완료?", "excluded": "제외된 가설",
           "verify": "확인", "undo": "되돌리기", "by": "작성", "lessons": "교훈과 후속 조치",
           "lessons_fill": "작성 필요.", "cell": "조치 | 명령 | 확인 | 되돌리기 | 완료?"},
}


class PostMortems:
    """`draft` is synchronous, for threads. Raises StoreUnavailable, UnknownThing."""

    def __init__(
        self, *, incidents: Incidents, ledger: Ledger, audit: Audit, links: EvidenceLinks | None = None
    ) -> None:
        self._incidents, self._verdicts, self._audit = incidents, Verdicts(ledger), audit
        self._links = links or EvidenceLinks()

    def draft(self, incident_id: str, lang: str = "en") -> str:
        """Markdown."""
        shown = self._incidents.show(incident_id)
        found = Diagnosis.model_validate(shown["diagnosis"]) if shown["diagnosis"] else None
        words = WORDS.get(lang, WORDS["en"])
        parts = [f"# {_text(shown['title'])}", f"`{incident_id}` · {shown['severity']}", f"> {words['draft']}",
                 *_summary(shown, found, words, lang), f"## {words['impact']}", words["fill"],
                 f"## {words['timeline']}", _timeline(shown, found, self._audit.read(subject=incident_id), words)]
        parts += [f"## {words['cause']}", _cause(found, words)]
        if found is not None:
            parts += [f"## {words['evidence']}", _evidence(found, self._links)]
            parts += [f"## {words['actions']}", _actions(found, words)]
        parts += [f"## {words['feedback']}", _said(self._verdicts.standing(incident_id), words)]
        parts += [f"## {words['open']}", _open(found, words), f"## {words['lessons']}", words["lessons_fill"]]
        return redact("\n\n".join(parts)) + "\n"


def _summary(shown: Mapping[str, Any], found: Diagnosis | None, words: Mapping[str, str], lang: str) -> list[str]:
    end = shown["resolved_ms"]
    lasted = (f"{_time(end)} ({max(1, round((end - shown['onset_ms']) / 60_000))} {words['minutes']})" if end
              else words["still"])
    root = _root(found)
    title = _text(root.mechanism) if root else (_text(found.claims[0].text) if found and found.claims else "")
    said = sentence(f"verdict.{found.verdict.value}", {"title": title}, lang) if found else words["no_diagnosis"]
    return [f"## {words['summary']}", f"{said}\n\n{_time(shown['onset_ms'])} → {lasted}"]


def _root(found: Diagnosis | None) -> Any:
    return next((h for h in found.hypotheses if h.status is HypothesisStatus.ROOT), None) if found else None


def _timeline(
    shown: Mapping[str, Any], found: Diagnosis | None, deeds: Sequence[Mapping[str, Any]], words: Mapping[str, str]
) -> str:
    """Signals, what the evidence dates, what people did, and the end; in order."""
    moments = [(int(s["starts_ms"]), f"{words['signal']}: {_text(s['title'])}")
               for s in shown["signals"][:MOST_SIGNALS]]
    if found is not None:
        moments += [(parse_iso(m.at), f"{_text(m.text)} [{', '.join(m.evidence)}]") for m in found.timeline]
    moments += [(int(d["at_ms"]), f"{d['actor']}: {d['what']}") for d in deeds if d["allowed"] and d["what"] != "ask"]
    if shown["resolved_ms"]:
        moments.append((int(shown["resolved_ms"]), words["resolved"]))
    return "\n".join(f"- {_time(at)} {text}" for at, text in sorted(moments))


def _cause(found: Diagnosis | None, words: Mapping[str, str]) -> str:
    root = _root(found)
    if found is None or root is None:
        return words["undetermined"] if found and found.verdict.value == "undetermined" else words["none"]
    lines = [f"**{_text(root.mechanism)}** ({root.category.value}, {root.component.name}, {root.confidence:.2f})", ""]
    lines += [f"- {_text(c.text)} [{', '.join(c.evidence)}]" for c in found.claims]
    excluded = [h for h in found.hypotheses if h.status is HypothesisStatus.EXCLUDED]
    if excluded:
        lines += ["", f"{words['excluded']}:", *(f"- {_text(h.mechanism)} [{', '.join(h.refutes)}]" for h in excluded)]
    return "\n".join(lines)


def _evidence(found: Diagnosis, links: EvidenceLinks) -> str:
    lines = []
    for e in found.evidence:
        url = links.of(e)
        name = f"[{e['id']}]({url})" if url else e["id"]
        lines.append(f"- **{name}** `{e['question']}` {e['status']} ({e['window'][0]} – {e['window'][1]}): "
                     f"{_text(str(e['text'])[:400])}")
    return "\n".join(lines)


def _actions(found: Diagnosis, words: Mapping[str, str]) -> str:
    rows = [f"| {words['cell']} |", "|---|---|---|---|---|"]
    for action in found.actions:
        for n, step in enumerate(action.steps):
            last = n == len(action.steps) - 1
            cells = (_text(step.why), _code(step.command), _code(action.verify) if last else "",
                     _code(action.undo) if last else "", "☐")
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) if len(rows) > 2 else words["none"]


def _said(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    lines = []
    for row in rows:
        correction = ", ".join(f"{k}: {v}" for k, v in row["correction"].items())
        told = " – ".join(part for part in (row["cause"], _text(correction), _text(row["comment"])) if part)
        lines.append(f"- {_text(row['author'])}: {told}")
    return "\n".join(lines) or words["none"]


def _open(found: Diagnosis | None, words: Mapping[str, str]) -> str:
    gaps = [f"- ☐ {_text(g.what)}: {_text(g.why)} {_text(g.cost)}".rstrip() for g in found.gaps] if found else []
    return "\n".join(gaps) or words["none"]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _text(text: str) -> str:
    """One line that Markdown shows as it is: telemetry must not become headings, tables, links or HTML."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>|#":
        line = line.replace(mark, f"\\{mark}")
    return line


def _code(command: str) -> str:
    line = " ".join(command.split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""
