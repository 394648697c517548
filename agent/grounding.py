"""Is a sentence grounded? Its numbers, times, quotes and names are found again in evidence, or named as unsupported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tools.evidence import parse_iso

_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(?!\d|:\d)")
_QUOTE = re.compile(r"[\"“`]([^\"”`]{3,200})[\"”`]")
# A name: starts with a letter, holds a digit, dash, underscore, colon, dot or slash inside. Hangul ends it (particles).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_:./@][A-Za-z0-9]+)+|[A-Za-z]+\d[A-Za-z0-9]*")
_UNIT = r"%|ms\b|s\b|min\b|kB|MB|GB|x\b|times\b|배|초|분"
_NUMBER = re.compile(rf"(?<![\w.])[-+]?(\d[\d,]*(?:\.\d+)?)(?:[eE]([-+]?\d+))?\s?({_UNIT})?")
_EVIDENCE_ID = re.compile(r"\bE\d+\b")


@dataclass(frozen=True)
class Ground:
    """What may be said: numbers and moments of the cited evidence, names and texts of the whole run."""

    numbers: tuple[float, ...]
    ratios: tuple[float, ...]
    moments_ms: tuple[int, ...]
    texts: tuple[str, ...]
    names: frozenset[str]


def ground(cited: Iterable[Mapping[str, Any]], all_evidence: Iterable[Mapping[str, Any]]) -> Ground:
    """`cited` and `all_evidence` are `Evidence.as_dict` mappings."""
    numbers: list[float] = []
    ratios: list[float] = []
    moments: list[int] = []
    texts: list[str] = []
    for e in cited:
        texts.append(str(e["text"]))
        moments += [parse_iso(t) for t in (*e["window"], e["as_of"])]
        for f in e["findings"]:
            numbers += _numbers_of(f)
            ratios += _ratios_of(f)
            moments += [f["since_ms"]] if "since_ms" in f else []
            texts.append(str(f.get("detail", "")))
            texts += [str(v) for v in f.get("extra", {}).values() if isinstance(v, str)]
    for text in texts:
        numbers += [n for n, _, _ in numbers_in(text)]
        moments += _moments_in(text, moments)
    return Ground(tuple(numbers), tuple(ratios), tuple(moments), tuple(texts), names_of(all_evidence))


def _numbers_of(finding: Mapping[str, Any]) -> list[float]:
    values = [finding.get("value"), finding.get("baseline"), *finding.get("extra", {}).values()]
    return [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _ratios_of(finding: Mapping[str, Any]) -> list[float]:
    value, baseline = finding.get("value"), finding.get("baseline")
    if value is None or not baseline:
        return []
    return [value / baseline, *([baseline / value] if value else [])]


def names_of(evidence: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every name observed in this run: subjects, and identifier-like words of texts and details (not of queries)."""
    out: set[str] = set()
    for e in evidence:
        out.update(_names_in(str(e["text"])))
        for f in e["findings"]:
            out.update(v for v in f["subject"].values())
            out.update(_names_in(str(f.get("detail", ""))))
            for v in f.get("extra", {}).values():
                out.update(_names_in(str(v)) if isinstance(v, str) else ())
    return frozenset(out)


def _names_in(text: str) -> list[str]:
    return _NAME.findall(_ISO.sub(" ", text))


def numbers_in(text: str) -> list[tuple[float, int, str]]:
    """(value, decimals shown, unit) of each number that is not part of a name, a time or an evidence id."""
    bare = text
    for pattern in (_ISO, _CLOCK, _EVIDENCE_ID, _NAME):
        bare = pattern.sub(" ", bare)
    out = []
    for m in _NUMBER.finditer(bare):
        digits = m.group(1).replace(",", "").rstrip(".")
        sign = -1.0 if m.group(0).startswith("-") else 1.0
        exponent = int(m.group(2) or 0)
        if abs(exponent) > 300:
            continue
        decimals = len(digits.partition(".")[2]) - exponent
        out.append((sign * float(digits) * 10.0**exponent, decimals, m.group(3) or ""))
    return out


def _moments_in(text: str, near: Sequence[int]) -> list[int]:
    out = [_to_ms(m.group(0)) for m in _ISO.finditer(text)]
    if near:
        out += [_on_day(near[0], m) for m in _CLOCK.finditer(_ISO.sub(" ", text))]
    return [ms for ms in out if ms is not None]


def _to_ms(text: str) -> int | None:
    try:
        return parse_iso(text.replace(" ", "T"))
    except ValueError:
        return None


def _on_day(day_ms: int, clock: re.Match[str]) -> int:
    day = datetime.fromtimestamp(day_ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = int(clock.group(1)) * 3600 + int(clock.group(2)) * 60 + int(clock.group(3) or 0)
    return round(day.timestamp() * 1000) + seconds * 1000


def unsupported(text: str, base: Ground) -> list[str]:
    """What the sentence says that the evidence does not: one short reason each; empty when all is grounded."""
    reasons = [f"the number {_shown(v, d, u)} is not in the cited evidence"
               for v, d, u in numbers_in(_without_quotes(text, base)) if not _number_grounded(v, d, u, base)]
    reasons += [f"the time {t} is not in the cited evidence" for t in _ungrounded_times(text, base)]
    reasons += [f"the quote {q!r} is not in the cited evidence" for q in _QUOTE.findall(text)
                if not any(q in t for t in base.texts) and q not in base.names]
    reasons += [f"{name} was not observed in this run" for name in _names_in(_without_quotes(text, base))
                if name not in base.names and not _EVIDENCE_ID.fullmatch(name)
                and not any(name in known for known in base.names) and not any(name in t for t in base.texts)]
    return reasons


def _without_quotes(text: str, base: Ground) -> str:
    """Quoted text that is in the evidence word for word (a log line, a detail) needs no second proof."""
    for known in sorted((t for t in base.texts if len(t) >= 8), key=len, reverse=True):
        text = text.replace(known, " ")
    return text


def _number_grounded(value: float, decimals: int, unit: str, base: Ground) -> bool:
    tolerance = 0.5 * 10.0 ** (-decimals) + 1e-9
    if unit in ("x", "times", "배"):
        return any(abs(value - a) <= tolerance for a in (*base.ratios, *base.numbers))
    return any(abs(value - a * k) <= tolerance for k in _factors(unit) for a in base.numbers)


def _factors(unit: str) -> tuple[float, ...]:
    """How a number of the evidence may have been converted to the unit shown."""
    return {
        "%": (1.0, 100.0), "ms": (1.0, 1000.0),
        "s": (1.0, 0.001), "초": (1.0, 0.001), "min": (1.0, 1 / 60), "분": (1.0, 1 / 60),
        "kB": (1.0, 1e-3), "MB": (1.0, 1e-6), "GB": (1.0, 1e-9),
    }.get(unit, (1.0,))


def _shown(value: float, decimals: int, unit: str) -> str:
    return f"{value:.{max(0, decimals)}f}{(' ' + unit) if unit else ''}"


def _ungrounded_times(text: str, base: Ground) -> list[str]:
    out = []
    for m in _ISO.finditer(text):
        ms = _to_ms(m.group(0))
        if ms is None or not any(abs(ms - b) <= 1000 for b in base.moments_ms):
            out.append(m.group(0))
    for m in _CLOCK.finditer(_ISO.sub(" ", text)):
        coarse = 60_000 if m.group(3) is None else 1000
        seconds = (int(m.group(1)) * 3600 + int(m.group(2)) * 60 + int(m.group(3) or 0)) * 1000
        if not any(_day_distance(b % 86_400_000, seconds) < coarse for b in base.moments_ms):
            out.append(m.group(0))
    return out


def _day_distance(a: int, b: int) -> int:
    """Milliseconds from clock time b to a, forward: 02:10 covers 02:10:00 .. 02:10:59."""
    return (a - b) % 86_400_000
