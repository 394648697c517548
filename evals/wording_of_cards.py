"""The sentences of learned cards, composed in code: no engineer's prose and no model's becomes a card's text."""

from __future__ import annotations

from agent.codes import Category
from agent.prose import sentence

LANGUAGES = ("en", "ko")


def title_of(category: Category) -> dict[str, str]:
    """"{culprit}: role violation, as in an earlier incident", by language."""
    return {lang: sentence("learned.title", {"category": words(category), "culprit": "{culprit}"}, lang)
            for lang in LANGUAGES}


def mechanism_of(category: Category) -> dict[str, str]:
    """Says that the findings match an incident whose cause was verified, by language."""
    return {lang: sentence("learned.mechanism", {"category": words(category), "culprit": "{culprit}"}, lang)
            for lang in LANGUAGES}


def words(category: Category) -> str:
    """The code as words."""
    return category.value.replace("_", " ")
