"""The graph on one screen: one agent, code verifiers, no role-play.

    triage -> recall -> recognise -> investigate <-> questions
                            |             |
                            |         conclude -> verify -> (investigate | recommend) -> end
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent import nodes, remember
from agent.deps import Deps
from agent.state import State


def build_graph(checkpointer: BaseCheckpointSaver[Any] | None = None) -> CompiledStateGraph[State, Deps, State, State]:
    """The compiled graph; `context` at invocation is a `Deps`. Without checkpoints it holds no state and is shared."""
    return _plain() if checkpointer is None else _nodes_and_edges().compile(checkpointer=checkpointer)


@lru_cache
def _plain() -> CompiledStateGraph[State, Deps, State, State]:
    return _nodes_and_edges().compile()


def _nodes_and_edges() -> StateGraph[State, Deps, State, State]:
    graph = StateGraph(State, context_schema=Deps)
    graph.add_node("triage", nodes.triage)
    graph.add_node("recall", remember.recall)
    graph.add_node("recognise", remember.recognise)
    graph.add_node("investigate", nodes.investigate)
    graph.add_node("questions", nodes.questions)
    graph.add_node("conclude", nodes.conclude)
    graph.add_node("verify", nodes.verify)
    graph.add_node("recommend", nodes.recommend)
    graph.add_edge(START, "triage")
    graph.add_edge("triage", "recall")
    graph.add_edge("recall", "recognise")
    graph.add_conditional_edges("recognise", remember.after_recognise, ["investigate", "verify"])
    graph.add_conditional_edges("investigate", nodes.after_investigate, ["questions", "conclude"])
    graph.add_edge("questions", "investigate")
    graph.add_conditional_edges("conclude", nodes.after_conclude, ["investigate", "verify"])
    graph.add_conditional_edges("verify", nodes.after_verify, ["investigate", "recommend"])
    graph.add_edge("recommend", END)
    return graph
