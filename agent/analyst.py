"""The built-in analyst: a deterministic chat model that runs the same graph with no key and no network.

It reads the artifacts of tool messages (findings with evidence ids), scores cards by log-odds, asks the question that
discriminates best, and concludes through the same `conclude` tool as any other model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field

from agent.card import Card
from agent.choose import asked_key, next_questions
from agent.conclusion import conclude
from agent.draft import CONCLUDE, Draft
from agent.experience import with_priors
from agent.odds import Candidate, Facts, Observation, assess, gather
from tools.evidence import Status
from tools.findings import Finding
from tools.question import Question
from tools.toolbox import tool_name

NAME = "analyst"


class Analyst(BaseChatModel):
    """`cards` are its knowledge, `questions` what this world can answer; the others are told by the inventory."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    cards: tuple[Card, ...]
    questions: tuple[Question, ...]
    service_kinds: dict[str, str] = Field(default_factory=dict)
    depends_on: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    lang: str = "en"

    @property
    def _llm_type(self) -> str:
        return NAME

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": NAME, "cards": [c.id for c in self.cards]}

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """The analyst knows its questions already; the specifications are accepted and not needed."""
        return self.bind(**{k: v for k, v in kwargs.items() if k == "must_conclude"})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ranked, facts, asked = self.weigh(messages)
        asks = () if kwargs.get("must_conclude") else next_questions(ranked, facts, self.questions, asked)
        if asks:
            calls = [_call(a.question.name, dict(a.arguments), messages, i) for i, a in enumerate(asks)]
        else:
            draft = _without(conclude(ranked, facts, lang=self.lang), rejected_claims(messages))
            calls = [_call(CONCLUDE, draft.model_dump(mode="json"), messages, 0)]
        reply = AIMessage(content="", tool_calls=calls, response_metadata={"model_name": NAME})
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def draft(self, messages: Sequence[BaseMessage]) -> Draft:
        """Its conclusion on what is known so far, without asking further."""
        ranked, facts, _ = self.weigh(messages)
        return _without(conclude(ranked, facts, lang=self.lang), rejected_claims(messages))

    def weigh(self, messages: Sequence[BaseMessage]) -> tuple[tuple[Candidate, ...], Facts, frozenset[str]]:
        """(candidates best first, facts, keys of what was asked) from the conversation so far."""
        observations = read_observations(messages)
        facts = gather(observations, {q.name: q.finds for q in self.questions}, self.service_kinds, self.depends_on)
        asked = frozenset(asked_key(a["question"], a.get("arguments", {})) for a in _artifacts(messages))
        cards = with_priors(self.cards, recalled_priors(messages))
        return assess(cards, facts), facts, asked


def _artifacts(messages: Sequence[BaseMessage]) -> list[Mapping[str, Any]]:
    return [
        m.artifact for m in messages
        if isinstance(m, ToolMessage) and isinstance(m.artifact, dict) and "evidence_id" in m.artifact
    ]


def read_observations(messages: Sequence[BaseMessage]) -> tuple[Observation, ...]:
    """One observation per tool message that carries evidence."""
    return tuple(
        Observation(a["evidence_id"], a["question"], Status(a["status"]),
                    tuple(Finding.from_dict(f) for f in a["findings"]))
        for a in _artifacts(messages)
    )


def recalled_priors(messages: Sequence[BaseMessage]) -> Mapping[str, float]:
    """First odds by learned card, as experience gave them after triage."""
    return next((m.additional_kwargs["priors"] for m in messages if "priors" in m.additional_kwargs), {})


def rejected_claims(messages: Sequence[BaseMessage]) -> frozenset[str]:
    """Texts of claims that verification sent back."""
    return frozenset(t for m in messages for t in m.additional_kwargs.get("rejected_claims", ()))


def _without(draft: Draft, rejected: frozenset[str]) -> Draft:
    return draft.model_copy(update={"claims": tuple(c for c in draft.claims if c.text not in rejected)})


def _call(name: str, arguments: dict[str, Any], messages: Sequence[BaseMessage], index: int) -> ToolCall:
    """A tool call whose id is a hash of the conversation, so that checkpoints and recordings diff."""
    seed = json.dumps([len(messages), index, name, arguments], sort_keys=True, default=str)
    return ToolCall(name=tool_name(name), args=arguments, id="call_" + hashlib.sha256(seed.encode()).hexdigest()[:16])
