"""The fixed sentences of the Slack door, in English and Korean. Values must be safe for Slack before they come here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

from agent.prose import LANGUAGES, fill


@lru_cache
def phrases(lang: str) -> Mapping[str, str]:
    """All sentences of a language; an unknown language falls back to English."""
    path = Path(__file__).parent / "texts" / f"{lang if lang in LANGUAGES else 'en'}.yaml"
    loaded: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def say(key: str, lang: str, **values: object) -> str:
    """One sentence with its names filled in. Raises KeyError for one that does not exist."""
    return fill(phrases(lang)[key], values)
