"""The router: what people type is placed, without a model; half of the questions were written before it existed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.conversation import cleaned
from agent.intents.entities import Entities, Known, read_entities
from agent.intents.examples import examples, written_out
from agent.intents.intent import Intent
from agent.intents.router import Route, route
from agent.intents.times import read_times
from tools.sources.inventory import load_inventory

HERE = Path(__file__).parents[1]
CASE = Path(__file__).parents[3] / "evals" / "cases" / "f01-a"
KNOWN = Known(load_inventory(CASE / "inventory.yaml"))
NOW = 1_795_225_724_892
WANTED = 0.9


def rows(name: str) -> list[dict[str, Any]]:
    """The questions of one half."""
    loaded: list[dict[str, Any]] = yaml.safe_load((HERE / f"intents_{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def placed(text: str) -> tuple[Route, Entities]:
    """As the conversation does it: cleaned, names and times masked, routed."""
    entities, masked = read_entities(cleaned(text), KNOWN)
    _, masked = read_times(masked, now_ms=NOW, zone="Asia/Seoul")
    return route(masked), entities


def wrong(half: str) -> list[tuple[str, str, str]]:
    """(wanted, got, text) of each miss; one that is not sure counts as out of scope, as the conversation treats it."""
    out = []
    for row in rows(half):
        got, _ = placed(row["text"])
        intent = got.intent if got.sure else Intent.OUT_OF_SCOPE
        if intent.value != row["intent"]:
            out.append((row["intent"], intent.value, row["text"]))
    return out


@pytest.mark.parametrize("half", ["development", "heldout"])
def test_nine_of_ten_questions_are_placed(half: str) -> None:
    """At least nine of ten are routed right, on the half that was looked at and on the half that was not."""
    missed = wrong(half)
    assert len(missed) <= (1 - WANTED) * len(rows(half)), missed


@pytest.mark.parametrize("half", ["development", "heldout"])
def test_names_are_found_in_them(half: str) -> None:
    """Every name that a question holds is read, whatever particle or spelling it comes in."""
    for row in rows(half):
        _, entities = placed(row["text"])
        assert set(row.get("names", ())) <= set(entities.names()), row


def test_no_example_is_one_of_the_questions() -> None:
    """The router has never seen a sentence it is measured on."""
    asked = {" ".join(r["text"].lower().split()) for half in ("development", "heldout") for r in rows(half)}
    told = {s.lower() for e in examples() for s in e.sentences}
    assert not asked & told


def test_every_intent_is_in_both_halves_or_the_examples_of_both_languages() -> None:
    """No intent lacks examples in a language."""
    assert {(e.intent, e.lang) for e in examples()} == {(i, lang) for i in Intent for lang in ("ko", "en")}


def test_a_pattern_is_written_out_evenly_and_within_its_bound() -> None:
    """Choices are expanded; a large pattern gives its bound of distinct sentences."""
    assert list(written_out("a (b|c)")) == ["a b", "a c"]
    large = list(written_out("(a|b|c|d) (e|f|g|h) (i|j|k|l)", most=8))
    assert len(large) == 8
    assert len(set(large)) > 6


@pytest.mark.parametrize("text", ["", "?", "    ", "🤷", "X" * 5000, "\u202eevil", "가" * 3000, "((((|", "\ud83d"])
def test_anything_may_be_typed(text: str) -> None:
    """Empty, huge and odd input is placed somewhere, or nowhere, and never raises."""
    got, _ = placed(text)
    assert isinstance(got.intent, Intent)


@pytest.mark.parametrize(("text", "intent"), [
    ("kill blue", Intent.COMMAND), ("꺼도되냐 블루", Intent.SAFE_TO_STOP), ("worker-blue 꺼버려", Intent.COMMAND),
    ("worker-blue꺼도될까", Intent.SAFE_TO_STOP), ("hi", Intent.GREETING),
])
def test_a_request_is_told_from_a_question(text: str, intent: Intent) -> None:
    """Asking whether it may be stopped is not asking to stop it."""
    assert placed(text)[0].intent is intent
