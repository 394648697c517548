"""The analyst without the choice of questions: what choosing is worth is measured against it."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.analyst import Analyst
from agent.choose import arguments_for
from tools.toolbox import tool_name


class FixedOrder(Analyst):
    """The same rules and conclusion, without the choice: every question that can be asked, in the toolbox's order."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        calls = [] if kwargs.get("must_conclude") else self._left(messages)
        if not calls:
            return super()._generate(messages, stop, run_manager, must_conclude=True)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="", tool_calls=calls))])

    def _left(self, messages: list[BaseMessage]) -> list[ToolCall]:
        """Calls for every question not asked yet. One that needs arguments gets those of the leading hypothesis."""
        ranked, _, _ = self.weigh(messages)
        asked = {call["name"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}
        calls = []
        for question in self.questions:
            ask = arguments_for(question, ranked[0] if ranked else None)
            name = tool_name(question.name)
            if ask is not None and name not in asked:
                calls.append(ToolCall(name=name, args=dict(ask.arguments), id=f"fixed_{name}"))
        return calls
