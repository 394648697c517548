"""Prose: one sentence per finding kind in both languages, holding the finding's own names and numbers."""

import re

import pytest

from agent.prose import LANGUAGES, fill, sentence, tell, templates
from tools.findings import KINDS, Finding, Subject

FULL = Subject("svc-a", "box-1", "active", "left", "host-1", "east", "cpu")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_told(kind: str, lang: str) -> None:
    """With all fields and with none but the kind, no hole and no brace is left."""
    full = tell(Finding(kind, FULL, 0.5, 0.25, 0.125, "up", 1_795_000_000_000, "detail"), lang)
    assert not re.search(r"[{}\[\]]", full)
    assert "?" not in full


def test_both_languages_have_the_same_sentences_with_the_same_names() -> None:
    """A translation that drops or adds a fact fails."""
    en, ko = templates("en"), templates("ko")
    assert set(en) == set(ko)
    for key in en:
        assert set(re.findall(r"\{(\w+)\}", en[key])) == set(re.findall(r"\{(\w+)\}", ko[key])), key


def test_a_part_with_an_unknown_name_is_left_out() -> None:
    """Optional parts vanish whole; a value never turns into a template."""
    assert fill("a[[ {b} c]]d", {}) == "ad"
    assert fill("a[[ {b} c]]d", {"b": "{x}"}) == "a {x} cd"


def test_an_unknown_sentence_is_an_error() -> None:
    """No silent fallback for a missing phrase."""
    with pytest.raises(KeyError):
        sentence("no.such.phrase", {})
