"""Whatever a model hands in, nothing is published that the evidence does not carry: fuzzed drafts, one law."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from agent.card import load_cards
from agent.codes import ActionKind, Category, HypothesisStatus, Verdict
from agent.draft import CONCLUDE
from agent.grounding import ground, unsupported
from agent.odds import assess, gather
from agent.read_draft import read_draft
from agent.standing import HARMLESS, admitted, carried
from agent.verify import check
from agent.wording import unfit
from tests.agent.told import FINDS, STRAY_STORY, as_dicts, observe

EVIDENCE = as_dicts(*STRAY_STORY)
RANKED = assess(load_cards(), gather(observe(*STRAY_STORY), FINDS))
SEEN = sorted({v for e in EVIDENCE.values() for f in e["findings"] for v in f["subject"].values()})
IDS = [*EVIDENCE, "E99", "E0", "evidence"]

names = st.sampled_from([*SEEN, "shadow-9", "", "a; rm -rf /", "worker\u200b"])
ids = st.lists(st.sampled_from(IDS), max_size=4)
words = st.sampled_from(["took", "of the jobs", "since 02:10:00", "왜냐하면", "docker stop", "http://x.example",
                         "is down", "<!here>", "0.49", "87 %", "1e309", "\"quoted text\"", "\x00", "E2",
                         "2026-11-18T11:06:40Z"])
numbers = st.integers(-10, 10**7).map(str)
texts = st.lists(st.one_of(words, names, numbers, st.text(max_size=12)), max_size=6).map(" ".join)
claims = st.fixed_dictionaries({"text": texts, "evidence": ids}, optional={"key": texts, "values": st.just({"x": 1})})
components = st.fixed_dictionaries(
    {"kind": st.sampled_from(["service", "container", "host", "change"]), "name": names},
    optional={"service": names, "colour": texts, "cluster": texts})
hypotheses = st.fixed_dictionaries({
    "rank": st.integers(-3, 9), "status": st.sampled_from([s.value for s in HypothesisStatus]), "component": components,
    "category": st.sampled_from([c.value for c in Category]), "mechanism": texts, "supports": ids, "refutes": ids,
    "confidence": st.one_of(st.floats(0, 1), st.floats(allow_nan=True), st.just("high"))}, optional={"card": texts})
actions = st.fixed_dictionaries(
    {"kind": st.sampled_from([k.value for k in ActionKind]), "targets": st.lists(names, max_size=3)},
    optional={"precondition": texts, "durable_fix": st.dictionaries(st.sampled_from(["en", "ko"]), texts, max_size=2)})
drafts = st.fixed_dictionaries(
    {"verdict": st.sampled_from([v.value for v in Verdict])},
    optional={"onset": st.one_of(st.none(), texts), "claims": st.lists(claims, max_size=4),
              "hypotheses": st.lists(hypotheses, max_size=3), "actions": st.lists(actions, max_size=3)})
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=8)), max_leaves=8,
    extend=lambda inner: st.one_of(st.lists(inner, max_size=3),
                                   st.dictionaries(st.text(max_size=5), inner, max_size=3)))


def reply(arguments: Any) -> AIMessage:
    """As the graph sees it: a tool call where the arguments are an object, JSON in the text otherwise."""
    if isinstance(arguments, dict) and all(isinstance(k, str) for k in arguments):
        return AIMessage("", tool_calls=[{"name": CONCLUDE, "args": arguments, "id": "c1"}])
    return AIMessage("so: " + json.dumps(arguments, default=str))


def holds(arguments: Any) -> None:
    """The law. A draft is read or its problems are told; what passes is grounded, carried, observed, and harmless."""
    draft, problems = read_draft(reply(arguments))
    assert (draft is None) == bool(problems)
    if draft is None:
        return
    clean = check(draft, EVIDENCE, analyst=RANKED).draft
    for claim in clean.claims:
        assert claim.key == ""
        assert not unsupported(claim.text, ground([EVIDENCE[i] for i in claim.evidence], EVIDENCE.values()))
        assert not unfit(claim.text)
    for h in clean.hypotheses:
        assert set(h.supports) | set(h.refutes) <= set(EVIDENCE)
        assert h.component.name in SEEN or any(h.component.name in e["text"] for e in EVIDENCE.values())
        assert not unfit(h.mechanism)
        if h.status is HypothesisStatus.ROOT:
            assert carried(h, RANKED)
    for action in clean.actions:
        assert action.kind in HARMLESS or admitted(action, clean.hypotheses, RANKED) == action
    if clean.verdict is Verdict.DIAGNOSED:
        assert any(h.status is HypothesisStatus.ROOT for h in clean.hypotheses)
    again = check(clean, EVIDENCE, analyst=RANKED)
    assert again.draft.claims == clean.claims
    assert all(a.confidence <= b.confidence for a, b in zip(again.draft.hypotheses, clean.hypotheses, strict=False))


@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(drafts, drafts, drafts, junk))
def test_fuzzed_conclusions_obey_the_law(arguments: Any) -> None:
    """A thousand of them in every test run."""
    holds(arguments)


@pytest.mark.live
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(drafts, drafts, drafts, junk))
def test_ten_thousand_fuzzed_conclusions_obey_the_law(arguments: Any) -> None:
    """Ten thousand where there is time for it."""
    holds(arguments)
