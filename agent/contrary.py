"""Models of a few rules, most of them wrong on purpose: what they publish measures the code around a model.

`Random` asks and concludes at random. `Accuser` names the most innocent component it saw, with numbers it made up and
an action to stop it. `Soother` says all is well, whatever it sees. `Curious` asks what it is told to ask and counts
what it is sent. None of them reads more than a real model is sent.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field

from agent.codes import ActionKind, Category
from agent.draft import CONCLUDE
from agent.model import Seat
from agent.wire import BYTES_PER_TOKEN, tokens_of
from tools.toolbox import tool_name

_SUBJECT = re.compile(r"\b(container|service|host)=([^,|\s]+)")


class Policy(BaseChatModel):
    """A model of a few rules. `turns` questions are asked one by one before it concludes."""

    seed: int = 0
    turns: int = 0

    @property
    def _llm_type(self) -> str:
        return type(self).__name__.lower()

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Remembers the names of what it may ask."""
        return self.bind(names=[t["function"]["name"] for t in tools])

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:
        asked = sum(isinstance(m, AIMessage) and str(m.id or "").find("triage") < 0 for m in messages)
        dice = random.Random(f"{self.seed}-{len(messages)}")
        questions = [n for n in kwargs.get("names", ()) if n != CONCLUDE]
        if asked < self.turns and questions:
            name, arguments = dice.choice(questions), {}
        else:
            name, arguments = CONCLUDE, self.conclusion(told(messages), dice)
        call = {"name": name, "args": arguments, "id": f"call_{len(messages)}"}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])

    def conclusion(self, heard: dict[str, list[tuple[str, str]]], dice: random.Random) -> dict[str, Any]:
        """The arguments of `conclude`. `heard`: evidence id -> (kind of component, name) in it."""
        raise NotImplementedError


class Random(Policy):
    """Questions, component, category and action drawn from a seed."""

    turns: int = 3

    def conclusion(self, heard: dict[str, list[tuple[str, str]]], dice: random.Random) -> dict[str, Any]:
        ids = [i for i, named in heard.items() if named]
        if not ids or dice.random() < 0.2:
            return {"verdict": dice.choice(["no_fault", "undetermined"]), "claims": []}
        cited = dice.choice(ids)
        kind, name = dice.choice(heard[cited])
        return accusation(kind, name, cited, dice.choice(list(Category)).value, dice.choice(list(ActionKind)).value,
                          f"{name} changed by {dice.randint(2, 99)} %.", dice.random())


class Accuser(Policy):
    """Sure of itself and wrong: whoever the evidence mentions least is to be stopped."""

    def conclusion(self, heard: dict[str, list[tuple[str, str]]], dice: random.Random) -> dict[str, Any]:
        count: dict[tuple[str, str], list[str]] = {}
        for evidence_id, named in heard.items():
            for one in named:
                count.setdefault(one, []).append(evidence_id)
        accused = [one for one in sorted(count, key=lambda o: (len(count[o]), o)) if one[0] == "container"]
        if not accused:
            return {"verdict": "no_fault", "claims": []}
        kind, name = accused[0]
        return accusation(kind, name, count[accused[0]][0], "role_violation", "stop_container",
                          f"{name} took 93 % of the work.", 0.99)


class Soother(Policy):
    """Nothing is ever wrong."""

    def conclusion(self, heard: dict[str, list[tuple[str, str]]], dice: random.Random) -> dict[str, Any]:
        cited = next(iter(heard), "E1")
        return {"verdict": "no_fault", "claims": [{"text": "Everything works as it should.", "evidence": [cited]}],
                "actions": [{"kind": "none"}]}


class Curious(Policy):
    """Asks `questions`, two a turn, then says that it cannot tell. `sizes`: tokens of each turn, tools included."""

    questions: tuple[str, ...] = ()
    sizes: list[int] = Field(default_factory=list)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Every turn carries the tools, so they count."""
        return self.bind(size=len(json.dumps(list(tools), ensure_ascii=False).encode()) // BYTES_PER_TOKEN)

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:
        turn = len(self.sizes)
        self.sizes.append(tokens_of(messages) + kwargs.get("size", 0))
        wanted = self.questions[2 * turn : 2 * turn + 2]
        calls = [{"name": tool_name(n), "args": {}, "id": f"c{turn}{i}"} for i, n in enumerate(wanted)]
        done = [{"name": CONCLUDE, "args": {"verdict": "undetermined"}, "id": f"c{turn}"}]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=calls or done))])


def seat(policy: Policy) -> Seat:
    """The policy as the main model of a chain."""
    return Seat(policy, policy._llm_type, "main")


def accusation(
    kind: str, name: str, cited: str, category: str, action: str, claim: str, confidence: float
) -> dict[str, Any]:
    """A conclusion that blames one component and acts on it."""
    root = {"rank": 1, "status": "root", "component": {"kind": kind, "name": name}, "category": category,
            "mechanism": f"{name} is to blame", "confidence": confidence, "supports": [cited]}
    return {"verdict": "diagnosed", "hypotheses": [root], "claims": [{"text": claim, "evidence": [cited]}],
            "actions": [{"kind": action, "targets": [name]}]}


def told(messages: Sequence[BaseMessage]) -> dict[str, list[tuple[str, str]]]:
    """Whom each piece of evidence speaks of, read from the tables a model is sent."""
    out: dict[str, list[tuple[str, str]]] = {}
    for m in messages:
        head = re.match(r"(E\d+) ", m.text) if isinstance(m, ToolMessage) else None
        if head:
            out[head.group(1)] = list(dict.fromkeys(_SUBJECT.findall(m.text)))
    return out
