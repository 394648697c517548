"""Fixed sentences of the conversation, the same keys in English and Korean; moments in the person's own zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from agent.intents.times import zone_of
from agent.prose import LANGUAGES, fill, sentence, values_of
from tools.findings import Finding

_MENTION = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_MARKUP = re.compile(r"<(?=[!@#]|https?:|mailto:)", re.IGNORECASE)
_UNSEEN = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@lru_cache
def phrases(lang: str) -> Mapping[str, str]:
    """All sentences of a language; an unknown language falls back to English."""
    path = Path(__file__).parent / f"{lang if lang in LANGUAGES else 'en'}.yaml"
    text = path.read_text(encoding="utf-8")
    loaded: dict[str, str] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def phrase(key: str, lang: str, **values: Any) -> str:
    """A sentence with its names filled in; empty values count as unknown, so their [[part]] is left out."""
    return fill(phrases(lang)[key], {k: v for k, v in values.items() if v not in ("", None)})


def moment(ms: int, zone: str) -> str:
    """2026-11-21 10:45:40+09:00: exact, unambiguous, and found again in evidence whatever the zone."""
    return datetime.fromtimestamp(ms // 1000, zone_of(zone)).isoformat(sep=" ", timespec="seconds")


def tell_at(finding: Finding, lang: str, zone: str) -> str:
    """One finding as a sentence, its time in the person's zone."""
    values = values_of(finding)
    if finding.since_ms is not None:
        values["since"] = moment(finding.since_ms, zone)
    return sentence(finding.kind, values, lang)


def neutral(text: str) -> str:
    """Text that mentions no one, links nowhere and hides nothing, whatever its source held."""
    return _MARKUP.sub("‹", _UNSEEN.sub("", _MENTION.sub("", text)))
