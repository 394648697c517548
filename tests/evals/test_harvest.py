"""Harvest: from words to a draft case; contradictions are listed, never averaged; a rule decides who vouches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.diagnosis import Diagnosis, Usage
from agent.library import Library, StoredCase
from agent.odds import Observation
from config.database import Database
from config.errors import BadInput
from config.migrations import migrate
from config.settings import Learning
from config.tables import cards, cases
from evals.example import Example
from evals.harvest import Told, draft, label_of, relabelled, verifier
from evals.schoolroom import example_of, experience_of, promote
from evals.shelf import duplicates
from tests.evals.incidents_told import leak
from tests.evals.test_school import KNOWN

WRONG = {"component": "box-a", "category": "resource_leak", "action": "restart_container"}


def evidence(observations: tuple[Observation, ...]) -> tuple[dict[str, Any], ...]:
    return tuple({"id": o.evidence_id, "question": o.question, "status": o.status.value,
                  "findings": [f.as_dict() for f in o.findings]} for o in observations)


def word(author: str, cause: str = "wrong", *, door: str = "slack", comment: str = "", judged: str = "unknown",
         **correction: str) -> dict[str, Any]:
    return {"author": author, "door": door, "cause": cause, "action": judged, "correction": correction,
            "comment": comment}


def told(*words: dict[str, Any], example: Example | None = None, **changes: Any) -> Told:
    example = example or leak()
    diagnosis = Diagnosis(incident=example.incident, run="run-1", asked_at="2026-03-01T10:05:00.000Z",
                          verdict="undetermined", evidence=evidence(example.observations),  # type: ignore[arg-type]
                          usage=Usage(model="analyst"))
    return replace(Told(incident=example.incident, diagnosis=diagnosis, feedback=words,
                        service_kinds={"work": "worker"}), **changes)


def drafted(*words: dict[str, Any]) -> StoredCase:
    case = draft(told(*words))
    assert case is not None
    return case


def test_nothing_said_is_no_case() -> None:
    """Nor is "unknown"."""
    assert draft(told()) is None
    assert draft(told(word("kim", "unknown"))) is None


def test_who_depends_on_whom_is_kept_with_the_case() -> None:
    """Rehearsal then ranks as the run did: trouble is passed on by a caller, never by who is called."""
    case = draft(told(word("kim", **WRONG), depends_on={"web": ("work",)}))
    assert case is not None
    assert example_of(case).facts.callees("web") == {"work"}


def test_a_correction_becomes_a_label() -> None:
    """Component as the evidence knows it, category, and the action that worked."""
    label = drafted(word("kim", **WRONG)).label
    assert label["causes"][0]["component"] == {"kind": "container", "name": "box-a", "service": "work", "colour": "",
                                               "cluster": ""}
    assert label["actions"]["right"] == [{"kind": "restart_container", "target": "box-a"}]


def test_the_newest_word_of_an_author_counts() -> None:
    """Changing one's mind is not a contradiction."""
    case = drafted(word("kim", component="docs-1", category="deploy_regression"), word("kim", **WRONG))
    assert case.conflicts == []
    assert case.label["causes"][0]["category"] == "resource_leak"


def test_contradicting_verdicts_are_listed_and_give_no_label() -> None:
    """Two against one is no majority: a person chooses."""
    other = word("park", component="docs-1", category="config_drift")
    case = drafted(word("kim", **WRONG), word("lee", **WRONG), other)
    assert case.label == {}
    assert len(case.conflicts) == 2
    for rule in ("trusted", "two", "outcome"):
        assert verifier(case, told(), Learning(verify=rule, trusted=("kim",))) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("correction", [
    {}, {"component": "box-a"}, {"component": "ghost", "category": "resource_leak"},
    {"component": "box-a", "category": "'; DROP TABLE cards; --"},
    {"component": "x" * 100_000, "category": "crash_loop"},
    {"component": "box-a\x00", "category": "resource_leak"}, {"component": "$(reboot)", "category": "resource_leak"},
], ids=lambda c: str(c)[:40])
def test_poisoned_corrections_are_conflicts_not_labels(correction: dict[str, str]) -> None:
    """Half said, about nothing that was seen, or hostile: a note for the reviewer, never a label."""
    case = drafted(word("mallory", **correction))
    assert case.label == {}
    assert len(case.conflicts) == 1
    assert len(case.conflicts[0]) <= 300


def test_notes_are_bounded_and_redacted() -> None:
    """A megabyte of comment with a secret in it leaves neither behind."""
    case = drafted(word("kim", comment="password=hunter2secret " + "z" * 1_000_000, **WRONG))
    assert len(case.text) <= 4_000
    assert "hunter2secret" not in case.text


def test_no_fault_is_a_label_too() -> None:
    """A false alarm is contrast for later cards."""
    assert drafted(word("kim", verdict="no_fault")).label["verdict"] == "no_fault"


def test_calling_an_undetermined_diagnosis_right_teaches_nothing() -> None:
    """There is no cause to keep."""
    with pytest.raises(BadInput):
        label_of(told(), word("kim", "right"))


def test_each_rule_of_vouching() -> None:
    """One trusted person, two who agree, or an outcome."""
    one, two = drafted(word("kim", **WRONG)), drafted(word("kim", **WRONG), word("lee", **WRONG))
    assert verifier(one, told(), Learning(verify="trusted", trusted=("kim",))) == "kim"
    assert verifier(one, told(), Learning(verify="trusted", trusted=("boss",))) == ""
    assert verifier(one, told(), Learning(verify="two")) == ""
    assert verifier(two, told(), Learning(verify="two")) == "kim, lee"
    worked = told(word("kim", judged="right", **WRONG), resolved_ms=1)
    assert verifier(one, worked, Learning(verify="outcome")) == "outcome"
    assert verifier(one, replace(worked, resolved_ms=None), Learning(verify="outcome")) == ""


def test_a_reviewer_settles_a_conflict_by_editing() -> None:
    """The edited label stands and the conflict is gone; nonsense is refused."""
    case = drafted(word("kim", **WRONG), word("park", component="docs-1", category="config_drift"))
    chosen = drafted(word("kim", **WRONG)).label
    assert relabelled(case, chosen).conflicts == []
    with pytest.raises(BadInput):
        relabelled(case, {**chosen, "causes": []})


@pytest.fixture
def library(tmp_path: Any) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    migrate(database)
    yield Library(database=database)
    database.close()


def test_a_verified_case_becomes_a_card_the_next_run_is_lent(library: Library) -> None:
    """Kept in the database: case verified, card active, past incident recalled with its id."""
    promotion = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim")
    assert promotion.case.state == "verified"
    lent = experience_of(library)
    assert [c.id for c in lent.cards] == [promotion.cards[0].id]
    assert lent.past.search(leak("other", 2).signature)[0].past.incident == "inc-leak-1"


def test_nobody_vouching_teaches_nothing(library: Library) -> None:
    """Promotion without a verifier is refused."""
    with pytest.raises(BadInput):
        promote(library, drafted(word("kim", **WRONG)), KNOWN, by="")
    assert library.cards() == []


def test_deleting_and_retiring_take_a_card_out_at_once(library: Library) -> None:
    """Its outcomes go with it; the version changes, so workers read anew."""
    card = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim").cards[0]
    library.count_outcome(card.id, "inc-9", confirmed=True)
    before = library.version()
    library.retire_card(card.id, "by hand")
    assert experience_of(library).cards == ()
    library.delete_card(card.id)
    assert library.cards() == []
    assert library.version() != before


def test_an_outcome_counts_once_an_incident(library: Library) -> None:
    """Saying it twice is one vote; changing one's mind replaces it."""
    card = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim").cards[0]
    for confirmed in (True, True, False):
        library.count_outcome(card.id, "inc-9", confirmed=confirmed)
    credit = library.card(card.id).credit
    assert (credit.right, credit.wrong) == (0, 1)


def test_near_identical_cases_are_thinned(library: Library) -> None:
    """Five alike stay, the oldest beyond them go; another incident is not touched."""
    case = replace(drafted(word("kim", **WRONG)), state="verified")
    many = [replace(case, id=f"case-{n}", at_ms=n) for n in range(8)]
    assert {c.id for c in duplicates(many)} == {"case-0", "case-1", "case-2"}


def test_an_implausible_word_waits_and_says_why(library: Library) -> None:
    """What was found points elsewhere: kept with the reason, no card; two people who agree are believed."""
    blamed = {"component": "docs-1", "category": "crash_loop"}
    promotion = promote(library, drafted(word("kim", **blamed)), KNOWN, by="kim")
    assert (promotion.case.state, promotion.cards) == ("waiting", ())
    assert "box-a" in library.case("inc-leak-1").context["doubts"][0]
    again = promote(library, library.case("inc-leak-1"), KNOWN, by="kim")
    assert again.case.state == "waiting"  # its own word is no second voice
    two = promote(library, drafted(word("kim", **blamed), word("lee", **blamed)), KNOWN, by="kim, lee")
    assert two.case.state == "verified"


def contradiction(card: str, *authors: str) -> StoredCase:
    """The answer of a card about a second, like incident, which these people call wrong."""
    case = draft(told(*(word(a, component="box-d", category="crash_loop") for a in authors), example=leak("box-d", 2)))
    assert case is not None
    answered = {"card": card, "cause": "resource_leak of container box-d", "verdict": "diagnosed", "confidence": 0.9}
    return replace(case, context={**case.context, "diagnosis": answered})


def test_one_word_against_a_card_waits_and_counts_against_nobody(library: Library) -> None:
    """Of incidents that look the same the older word stands until a second voice; the newer is kept with its reason."""
    card = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim").cards[0]
    promotion = promote(library, contradiction(card.id, "lee"), KNOWN, by="lee")
    assert promotion.case.state == "waiting"
    assert card.id in library.case("inc-leak-2").context["doubts"][0]
    row = library.card(card.id)
    assert (row.state, row.credit.wrong) == ("active", 0)


def test_two_words_against_a_card_suspend_it_and_open_its_case_again(library: Library) -> None:
    """The next run is not lent it; it is pending with its reason, and the case that taught it waits."""
    card = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim").cards[0]
    promote(library, contradiction(card.id, "lee", "park"), KNOWN, by="lee, park")
    row = library.card(card.id)
    assert (row.state, row.credit.wrong) == ("pending", 1)
    assert row.why.startswith("suspended")
    assert card.id not in [c.id for c in experience_of(library).cards]
    assert library.case("inc-leak-1").state == "waiting"
    assert "inc-leak-2" in library.case("inc-leak-1").context["doubts"][0]


@pytest.mark.parametrize(("column", "text"), [
    ("label", "{"), ("label", "[]"), ("label", '{"format": 9}'), ("label", '{"verdict": "diagnosed", "causes": 3}'),
    ("observations", '{"a": 1}'), ("observations", '[{"id": "E1"}]'), ("observations", "[7]"), ("context", "null"),
    ("context", '{"service_kinds": 5}'), ("label", "[" * 200_000), ("conflicts", "x"),
], ids=["broken", "a list", "another format", "no causes", "no list", "no question", "a number", "no context",
        "no mapping", "nested", "no JSON"])
def test_one_bad_stored_case_takes_no_other_away(library: Library, tmp_path: Any, column: str, text: str) -> None:
    """Damaged or written by hand: the others still teach and are recalled, and another word can be learned."""
    case = drafted(word("kim", **WRONG))
    card = promote(library, case, KNOWN, by="kim").cards[0]
    library.put_case(replace(case, id="case-bad", incident_id="inc-bad", state="verified"))
    with Database(f"sqlite:///{tmp_path / 'x.db'}").begin() as connection:
        connection.execute(cases.update().where(cases.c.id == "case-bad").values({column: text}))
    lent = experience_of(library)
    assert [c.id for c in lent.cards] == [card.id]
    assert [r.past.incident for r in lent.past.search(leak("other", 2).signature)] == ["inc-leak-1"]
    assert promote(library, contradiction(card.id, "lee"), KNOWN, by="lee").case.state == "waiting"


@pytest.mark.parametrize("text", ["{", "id: [", "", "id: learned-x\nprior: 9", "x" * 20_000, "&a [*a, *a]"])
def test_one_bad_stored_card_takes_no_other_away(library: Library, tmp_path: Any, text: str) -> None:
    """It is left out; the library is read as if it were not there."""
    card = promote(library, drafted(word("kim", **WRONG)), KNOWN, by="kim").cards[0]
    library.put_card(card.model_copy(update={"id": "learned-bad"}))
    with Database(f"sqlite:///{tmp_path / 'x.db'}").begin() as connection:
        connection.execute(cards.update().where(cards.c.id == "learned-bad").values(yaml=text))
    assert [c.id for c in experience_of(library).cards] == [card.id]
