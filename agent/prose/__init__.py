"""Sentences from findings, in English and Korean. Only names and numbers of the finding itself are ever filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tools.findings import KINDS, Finding

LANGUAGES = ("en", "ko")
_OPTIONAL = re.compile(r"\[\[(.*?)\]\]")
_NAME = re.compile(r"\{(\w+)\}")


@lru_cache
def templates(lang: str) -> Mapping[str, str]:
    """All sentences of a language; an unknown language falls back to English."""
    path = Path(__file__).parent / f"{lang if lang in LANGUAGES else 'en'}.yaml"
    loaded: dict[str, str] = yaml.load(
        path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


def clock(ms: int) -> str:
    """HH:MM:SS in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M:%S")


def number(value: float, unit: str) -> str:
    """A value as people read it: shares as percent, seconds with their unit, the rest with three digits."""
    if "share" in unit or "0..1" in unit or unit.startswith("load / capacity"):
        return f"{value * 100:.0f} %"
    if unit.startswith("seconds"):
        return f"{value:.2f} s" if abs(value) < 100 else f"{value:.0f} s"
    if unit.startswith("bytes"):
        return _bytes(value) + "/s"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _bytes(value: float) -> str:
    for name in ("B", "kB", "MB"):
        if abs(value) < 1000:
            return f"{value:.3g} {name}"
        value /= 1000
    return f"{value:.3g} GB"


def values_of(finding: Finding) -> dict[str, str]:
    """The names a sentence may use, as text; what is not known is absent."""
    subject = finding.subject.as_dict()
    unit = KINDS[finding.kind].unit
    if unit.startswith("the series' own"):
        unit = str(finding.extra.get("unit", ""))
    who = subject.get("container") or subject.get("service") or subject.get("host") or subject.get("cluster")
    out = {**subject, "who": who or "the system"}
    if finding.value is not None:
        out["value"] = number(finding.value, unit)
    if finding.baseline is not None:
        out["baseline"] = number(finding.baseline, unit)
    if finding.since_ms is not None:
        out["since"] = clock(finding.since_ms)
    if finding.detail:
        out["detail"] = finding.detail
    return out


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill {names}; drop [[parts]] with an unknown name. An unknown name outside such a part shows as "?"."""

    def part(match: re.Match[str]) -> str:
        inner = match.group(1)
        return inner if all(n in values for n in _NAME.findall(inner)) else ""

    return _NAME.sub(lambda m: str(values.get(m.group(1), "?")), _OPTIONAL.sub(part, template))


def sentence(key: str, values: Mapping[str, Any], lang: str = "en") -> str:
    """The sentence of a finding kind or fixed phrase. Raises KeyError for one that does not exist."""
    return fill(templates(lang)[key], values)


def tell(finding: Finding, lang: str = "en") -> str:
    """One finding as a sentence."""
    return sentence(finding.kind, values_of(finding), lang)
