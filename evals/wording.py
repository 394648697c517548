"""Foreign wording: the lines that mean work say it in other words, and the inventory's `work:` patterns follow.

Words inside a pattern are exchanged one for one, Hangul in the whole line, and the rest stays: JSON stays JSON
and logfmt stays logfmt. Field names in front of `=` or `":` stay too, but for the value field, which gets another name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from config.errors import BadInput
from evals.case_files import CaseFiles
from evals.rename import SYLLABLES
from tools.recorded.snapshot import INVENTORY

STEPS = ("started", "done", "failed")
GERMAN: Mapping[str, str] = {
    "job": "auftrag", "jobs": "auftraege", "task": "vorgang", "request": "anfrage", "message": "nachricht",
    "done": "erledigt", "finished": "beendet", "completed": "abgeschlossen", "complete": "fertig", "end": "ende",
    "started": "begonnen", "start": "anfang", "begin": "beginn", "picked": "genommen", "received": "erhalten",
    "failed": "gescheitert", "rejected": "abgewiesen",
    "error": "fehler", "failure": "fehlschlag", "processed": "bearbeitet", "ok": "gut",
    "ms": "dauer_ms", "duration_ms": "laufzeit_ms", "latency_ms": "verzug_ms", "elapsed_ms": "spanne_ms",
}
KOREAN: Mapping[str, str] = {
    "job": "작업", "jobs": "작업들", "task": "과업", "request": "요청", "message": "메시지", "done": "완료",
    "finished": "종료", "completed": "끝남", "complete": "마침", "end": "끝", "started": "시작", "start": "개시",
    "begin": "처음", "picked": "집음", "received": "받음", "failed": "실패", "rejected": "거절",
    "error": "오류", "failure": "장애", "processed": "처리", "ok": "정상",
}
LANGUAGES = {"de": GERMAN, "ko": KOREAN}

_ESCAPED = re.compile(r"\\.|\[(?:\\.|[^\]])*\]|\(\?(?:P<\w+>|[a-z-]+:?|:)|\{[\d,]+\}")
_HANGUL = re.compile(r"[가-힣]+")
_WORD = re.compile(r"[가-힣]+|[A-Za-z]{2,}(?![A-Za-z0-9_]*(?:=|\"\s*:))")


def foreign_wording(files: CaseFiles, *, lang: str = "de") -> CaseFiles:
    """Rewrite every service's work lines. Raises BadInput where that would change what counts as work."""
    inventory = files[INVENTORY]
    services = []
    logs = files["logs.jsonl"]
    for service in inventory.get("services", ()):
        work = service.get("work")
        if work and any(work.get(step) for step in STEPS):
            say = _Sayer(lang, (work[step] for step in STEPS if work.get(step)))
            ours = _belongs(service, inventory)
            rewritten = [_rewritten(stream, work, say) if ours(stream["labels"]) else stream for stream in logs]
            new_work = {key: say.pattern(value) if key in STEPS and value else value for key, value in work.items()}
            _same_counts(logs, work, rewritten, new_work, service["name"])
            logs, service = rewritten, {**service, "work": new_work}
        services.append(service)
    return files.replaced("logs.jsonl", logs).replaced(INVENTORY, {**inventory, "services": services})


class _Sayer:
    """Says a service's words in another language. A word without a translation is spelled backwards or invented."""

    def __init__(self, lang: str, patterns: Iterable[Mapping[str, Any]]) -> None:
        self._lang = lang
        known = list(patterns)
        self._fields = {p["value_field"] for p in known if p.get("value_field")}
        self._literal = {word for p in known for word in _literal_words(p)}

    def word(self, word: str) -> str:
        if "가" <= word[0] <= "힣":
            return word[::-1] if self._lang == "ko" else _invented(word)
        return LANGUAGES[self._lang].get(word.lower(), word[::-1].lower())

    def text(self, text: str) -> str:
        return _WORD.sub(lambda m: self.word(m.group()), text)

    def span(self, text: str) -> str:
        """What a pattern matched: only words that stand in a pattern are wording, the others are values."""
        return _WORD.sub(lambda m: self.word(m.group()) if m.group() in self._literal else m.group(), text)

    def around(self, text: str) -> str:
        """The rest of the line: Hangul is prose wherever it stands."""
        return _HANGUL.sub(lambda m: self.word(m.group()), text)

    def field(self, name: str) -> str:
        """A field's other name: always plain letters, as parsers expect."""
        return GERMAN.get(name, f"{name}_x")

    def regex(self, pattern: str) -> str:
        """Literal words of a regular expression; escapes, classes and group names stay."""
        out, done = [], 0
        for match in _ESCAPED.finditer(pattern):
            out += [self.text(pattern[done:match.start()]), match.group()]
            done = match.end()
        return "".join([*out, self.text(pattern[done:])])

    def pattern(self, pattern: Mapping[str, Any]) -> dict[str, Any]:
        out = dict(pattern)
        if out.get("contains"):
            out["contains"] = self.fields(self.text(out["contains"]))
        if out.get("regex"):
            out["regex"] = self.fields(self.regex(out["regex"]))
        if out.get("value_field"):
            out["value_field"] = self.field(out["value_field"])
        return out

    def fields(self, line: str) -> str:
        for name in self._fields:
            line = re.sub(rf"(?<![\w.]){re.escape(name)}(?==|\"\s*:)", self.field(name), line)
        return line


def matcher(pattern: Mapping[str, Any]) -> Callable[[str], re.Match[str] | None]:
    """Where a line holds a pattern of the inventory. The patterns are a case's own, edited offline: `re` will do."""
    return re.compile(pattern["regex"] if pattern.get("regex") else re.escape(pattern["contains"])).search


def _belongs(service: Mapping[str, Any], inventory: Mapping[str, Any]) -> Callable[[Mapping[str, str]], bool]:
    spelling = inventory.get("labels", {}).get("logs", {})
    members = {m for names in (service.get("colours") or {}).values() for m in names}
    members |= set(service.get("containers") or ())
    container, name = spelling.get("container", "container"), spelling.get("service", "service")
    return lambda labels: labels.get(container) in members or (not members and labels.get(name) == service["name"])


def _literal_words(pattern: Mapping[str, Any]) -> set[str]:
    plain = _ESCAPED.sub(" ", pattern["regex"]) if pattern.get("regex") else pattern.get("contains", "")
    return set(_WORD.findall(plain))


def _invented(word: str) -> str:
    """The same made-up word for the same word, always."""
    digest = hashlib.sha256(word.encode()).digest()
    return "".join(SYLLABLES[byte % len(SYLLABLES)] for byte in digest[:3])


def _rewritten(stream: dict[str, Any], work: Mapping[str, Any], say: _Sayer) -> dict[str, Any]:
    steps = [matcher(work[step]) for step in STEPS if work.get(step)]
    entries = [[entry[0], _line(entry[1], steps, say), *entry[2:]] for entry in stream["entries"]]
    return {**stream, "entries": entries}


def _line(line: str, steps: list[Callable[[str], re.Match[str] | None]], say: _Sayer) -> str:
    """The longest match is rewritten: a shorter pattern inside it is rewritten with it."""
    found = [match for search in steps if (match := search(line))]
    if not found:
        return line
    match = max(found, key=lambda m: len(m.group()))
    before, after = line[:match.start()], line[match.end():]
    return say.fields(say.around(before) + say.span(match.group()) + say.around(after))


def _same_counts(before: Any, work: Mapping[str, Any], after: Any, new_work: Mapping[str, Any], name: str) -> None:
    """Each rewritten stream must count as before; other services keep the old words, so they no longer count."""
    for step in STEPS:
        if work.get(step):
            old, new = matcher(work[step]), matcher(new_work[step])
            for was, now in zip(before, after, strict=True):
                if now is not was and _count(now, new) != _count(was, old):
                    raise BadInput(f"foreign wording: {name}.{step} would count other lines in {now['labels']}")


def _count(stream: Mapping[str, Any], find: Callable[[str], re.Match[str] | None]) -> int:
    return sum(find(entry[1]) is not None for entry in stream["entries"])
